"""What a source string means. Nothing is opened here: a path need not exist to be recognised as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proctor.data.files import SUFFIXES
from proctor.data.generators import GENERATORS
from proctor.errors import ConfigError
from proctor.plugins import unknown

PROCEDURAL_PREFIX = "reasoning_gym"

Argument = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed source string.

    Attributes:
        kind: which loader reads it.
        name: generator, reasoning_gym data set, path, or hub data set.
        arguments: difficulty arguments of a generator or reasoning_gym data set.
        text: as the user wrote it.
    """

    kind: Literal["generator", "procedural", "file", "hub"]
    name: str
    arguments: Mapping[str, Argument]
    text: str

    @property
    def is_generated(self) -> bool:
        """True where tasks are made on demand, so that their number must be chosen."""
        return self.kind in ("generator", "procedural")

    @property
    def stem(self) -> str:
        """A short name for task ids and per-source metrics; generated tasks of different difficulty have different ones."""
        if self.kind == "file":
            return Path(self.name).stem
        if self.kind == "hub":
            return self.name.rpartition("/")[2]
        return ",".join([self.name, *(f"{argument}={value}" for argument, value in sorted(self.arguments.items()))])


def parse_source(text: str) -> Source:
    """Read a source string.

    Raises:
        ConfigError: it names nothing that can be a source, or its arguments are not `name=value`.
    """
    text = text.strip()
    if not text:
        raise ConfigError(f"a data source is empty; {_what_is_allowed()}")
    suffix = Path(text).suffix.lower()
    if suffix in SUFFIXES:
        return Source("file", text, {}, text)
    name, _, rest = text.partition(":")
    if name in GENERATORS:
        return Source("generator", name, _parse_arguments(rest, text), text)
    if name == PROCEDURAL_PREFIX:
        data_set, _, arguments = rest.partition(",")
        if not data_set:
            raise ConfigError(f'data source {text!r} names no data set of reasoning_gym; write "reasoning_gym:chain_sum"')
        return Source("procedural", data_set.strip(), _parse_arguments(arguments, text), text)
    if Path(text).expanduser().is_file() or text.startswith((".", "/", "~")):
        raise ConfigError(f"data source {text!r} is a path of a kind that is not read; allowed suffixes: {', '.join(SUFFIXES)}")
    if "/" not in text and (":" in text or _is_nearly_a_generator(name)):
        raise ConfigError(unknown(name, kind="data source", allowed=[*GENERATORS, PROCEDURAL_PREFIX], also=_what_is_allowed()))
    if any(character.isspace() or character == ":" for character in text) or text.count("/") > 1:
        raise ConfigError(f"data source {text!r} is not understood; {_what_is_allowed()}")
    return Source("hub", text, {}, text)


def _what_is_allowed() -> str:
    return f'or a {", ".join(SUFFIXES)} file, or a hub data set such as "openai/gsm8k"'


def _is_nearly_a_generator(name: str) -> bool:
    return "Did you mean" in unknown(name, kind="", allowed=[*GENERATORS, PROCEDURAL_PREFIX])


def _parse_arguments(text: str, source: str) -> dict[str, Argument]:
    """`"digits=2,operation=multiply"` as values: whole numbers, decimals, true and false, else text."""
    arguments: dict[str, Argument] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not name or not value:
            raise ConfigError(f"data source {source!r}: {part!r} is not an argument; write name=value, separated by commas")
        if name in arguments:
            raise ConfigError(f"data source {source!r}: argument {name!r} is given twice")
        arguments[name] = _parse_value(value)
    return arguments


def _parse_value(text: str) -> Argument:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
