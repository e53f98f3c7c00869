"""What a curation is: sources, output, filters. Read from plain values, as a TOML file gives them."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from proctor.data.config import ROLES
from proctor.data.curation.base import Filter
from proctor.data.curation.checked import Verifiable
from proctor.data.curation.contamination import Decontaminate, TooClose, Unused
from proctor.data.curation.duplicates import ExactDuplicates, NearDuplicates
from proctor.data.curation.forms import Balance, Domains, Forms
from proctor.data.curation.reading import Normalise
from proctor.data.curation.sampled import Difficulty, Guessable, Hardest, Learnable
from proctor.data.curation.traces import TraceConsistent, TraceCorrect, TraceLanguage, TraceReasoned, TraceRepetition
from proctor.data.sources import parse_source
from proctor.errors import ConfigError
from proctor.plugins import unknown

FILTERS: Mapping[str, type] = {
    one.kind: one
    for one in (
        *(Normalise, ExactDuplicates, NearDuplicates, Forms, Verifiable, Decontaminate, TooClose, Domains, Balance),
        *(Difficulty, Guessable, Unused, Learnable, Hardest),
        *(TraceCorrect, TraceRepetition, TraceReasoned, TraceConsistent, TraceLanguage),
    )
}
"""Kind -> filter, in the order in which a curation would use them."""
_NEEDS_COLUMN = {"learnable": "difficulty", "hardest": "difficulty"}
_ADDED_BY = {"domain": "domains", "pass_rate": "difficulty", "pass_rate_low": "difficulty", "pass_rate_high": "difficulty"}
_ASKS_MODEL = (Difficulty, Guessable)


@dataclass(frozen=True, slots=True)
class VerifierTable:
    """What grades the model's answers: `function` is a short name or an import string."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The model that `difficulty` and `guessable` ask.

    Attributes:
        name: what `model` may be in the configuration of a run, or a run directory.
        max_completion_tokens: a completion is cut off there.
        template: text around every prompt; "{prompt}" stands for it.
        system: a system message to put first.
        stop: texts that end a completion.
    """

    name: str
    max_completion_tokens: int = 256
    template: str = "{prompt}"
    system: str = ""
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_completion_tokens < 1:
            raise ConfigError(f"model.max_completion_tokens must be at least 1, not {self.max_completion_tokens}")
        if "{prompt}" not in self.template:
            raise ConfigError(f'model.template is {self.template!r}; it must contain "{{prompt}}", the place where the prompt goes')


@dataclass(frozen=True, slots=True)
class CurationSpec:
    """One curation.

    Attributes:
        sources: as `data.train` takes them: files, generators, hub data sets.
        output: the JSON Lines file to write; reports and cache lie beside it.
        filters: in order.
        columns: role -> column name, as `data.columns`.
        seed: of every random choice.
        cache: directory of finished stages; None: beside the output.
        verifier: what grades a model's answers.
        model: what is asked.
    """

    sources: tuple[str, ...]
    output: Path
    filters: tuple[Filter, ...]
    normalise: Normalise | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    cache: Path | None = None
    verifier: VerifierTable | None = None
    model: ModelTable | None = None

    @property
    def cache_directory(self) -> Path:
        return self.cache or self.output.with_name(f"{self.output.name}.cache")


def read_spec(plain: Mapping[str, Any], *, name: str) -> CurationSpec:
    """Read a specification.

    Args:
        plain: as `tomllib` reads it.
        name: the file, for messages.

    Raises:
        ConfigError: a key or filter is unknown or missing, a value is of the wrong kind, or the filters do not fit together.
    """
    allowed = ("sources", "output", "seed", "cache", "columns", "verifier", "model", "filters")
    for key in plain:
        if key not in allowed:
            raise ConfigError(f"{name}: " + unknown(key, kind="key", allowed=allowed))
    sources, output = _texts(plain.get("sources"), "sources", name), plain.get("output")
    if not isinstance(output, str) or Path(output).suffix.lower() != ".jsonl":
        raise ConfigError(f'{name}: output must be the path of a .jsonl file to write, as in output = "curated.jsonl", not {output!r}')
    for source in sources:
        parse_source(source)
        if Path(source).resolve() == Path(output).resolve():
            raise ConfigError(f"{name}: output {output!r} is also a source; write to another file")
    columns = plain.get("columns", {})
    if not isinstance(columns, Mapping) or any(role not in ROLES or not isinstance(column, str) for role, column in columns.items()):
        raise ConfigError(f"{name}: columns must say which column has which role, with roles from {', '.join(ROLES)}; not {columns!r}")
    seed, cache = plain.get("seed", 0), plain.get("cache")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"{name}: seed must be a whole number of at least 0, not {seed!r}")
    if cache is not None and not isinstance(cache, str):
        raise ConfigError(f"{name}: cache must be the path of a directory, not {cache!r}")
    filters = _filters(plain.get("filters"), name)
    verifier = read_record(VerifierTable, plain["verifier"], where=f"{name}: verifier") if "verifier" in plain else None
    model = read_record(ModelTable, plain["model"], where=f"{name}: model") if "model" in plain else None
    normalise = filters[0] if filters and isinstance(filters[0], Normalise) else None
    rest = tuple(filters[1:] if normalise else filters)
    _check_order(rest, has_model=model is not None, has_verifier=verifier is not None, name=name)
    return CurationSpec(sources, Path(output), rest, normalise, columns, seed, Path(cache) if cache else None, verifier, model)


def _texts(value: Any, key: str, name: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, str) for entry in listed):
        raise ConfigError(f'{name}: {key} must be one or more sources, as in {key} = ["tasks.jsonl"], not {value!r}')
    return tuple(listed)


def _filters(tables: Any, name: str) -> list[Any]:
    if not isinstance(tables, list) or not tables or not all(isinstance(table, Mapping) for table in tables):
        raise ConfigError(f'{name}: a curation needs one or more [[filters]] tables, each with a kind, such as kind = "exact_duplicates"')
    found: list[Any] = []
    for number, table in enumerate(tables, start=1):
        kind = table.get("kind")
        if kind not in FILTERS:
            raise ConfigError(f"{name}: filter {number}: " + unknown(str(kind), kind="kind of filter", allowed=FILTERS))
        arguments = {key: value for key, value in table.items() if key != "kind"}
        found.append(read_record(FILTERS[kind], arguments, where=f"{name}: filter {number} ({kind})"))
    return found


def _check_order(filters: Sequence[Any], *, has_model: bool, has_verifier: bool, name: str) -> None:
    before: set[str] = set()
    for one in filters:
        if isinstance(one, Normalise):
            raise ConfigError(f"{name}: normalise must be the first filter, since the others compare what it writes")
        needs = {_NEEDS_COLUMN[one.kind]} if one.kind in _NEEDS_COLUMN else set()
        column = getattr(one, "by", None)
        if column not in (None, "source", *_ADDED_BY):
            raise ConfigError(f"{name}: {one.kind}: " + unknown(str(column), kind="column to go by", allowed=("source", *_ADDED_BY)))
        if column in _ADDED_BY:
            needs.add(_ADDED_BY[column])
        if missing := sorted(needs - before):
            raise ConfigError(f"{name}: {one.kind} needs the filter {missing[0]!r} before it")
        if isinstance(one, _ASKS_MODEL) and not (has_model and has_verifier):
            raise ConfigError(
                f'{name}: {one.kind} asks a model: say which one in a table [model] (name = "...") and what grades it in [verifier] (function = "math")'
            )
        before.add(one.kind)


def read_record(record: type, values: Any, *, where: str) -> Any:
    """Make a frozen dataclass of plain values, each checked against the field's type.

    Raises:
        ConfigError: an unknown or missing key, a value of the wrong kind, or one that the record refuses.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where} must be a table, not {values!r}")
    hints = typing.get_type_hints(record)
    known = {entry.name: hints[entry.name] for entry in fields(record)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{where}: " + unknown(key, kind="argument", allowed=known))
    for entry in fields(record):
        if entry.name not in values and entry.default is MISSING and entry.default_factory is MISSING:
            raise ConfigError(f"{where}: {entry.name} is missing")
    try:
        return record(**{key: _converted(value, known[key], f"{where}: {key}") for key, value in values.items()})
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}" if where not in str(error) else str(error)) from error


def _converted(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple:
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(entry, str) for entry in listed):
            return tuple(listed)
        raise ConfigError(f"{where} must be a list of texts, not {value!r}")
    if origin is typing.Literal:
        if value in typing.get_args(hint):
            return value
        raise ConfigError(f"{where}: " + unknown(str(value), kind="value", allowed=typing.get_args(hint)))
    if origin is not None and issubclass(origin, Mapping):
        inner = typing.get_args(hint)[1]
        if isinstance(value, Mapping):
            return {key: entry if inner is Any else _converted(entry, inner, f"{where}.{key}") for key, entry in value.items()}
        raise ConfigError(f"{where} must be a table, not {value!r}")
    wanted = (int, float) if hint is float else hint
    if isinstance(value, wanted) and not (isinstance(value, bool) and hint is not bool):
        return float(value) if hint is float else value
    raise ConfigError(f"{where} must be of type {hint.__name__}, not {value!r}")
