"""Configurations from TOML, from `--set` and from plain values, and back.

pydantic only converts and checks; it is imported here and nowhere else. Unknown keys are refused with the allowed ones.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from proctor.config.records import RunConfig
from proctor.errors import ConfigError
from proctor.plugins import unknown

Record = TypeVar("Record")


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: no such file, or malformed; the line is named.
    """
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"there is no file {str(path)!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split `a.b=c` and read c as a TOML value; what is none is taken as the string it is.

    Raises:
        ConfigError: there is no `=` or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set needs key=value, not {text!r}; for example --set learning_rate=1e-5")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def with_assignments(config: RunConfig, assignments: Sequence[str]) -> RunConfig:
    """Apply `--set` assignments in order.

    Raises:
        ConfigError: an unknown key or a value of the wrong kind.
    """
    plain = to_mapping(config)
    for text in assignments:
        key, value = parse_assignment(text)
        table = plain
        *path, last = key.split(".")
        for part in path:
            inner = table.setdefault(part, {})
            if inner is None:
                inner = table[part] = {}
            if not isinstance(inner, dict):
                raise ConfigError(f"--set {text}: {part!r} is a value, not a table, so it has no key {last!r}")
            table = inner
        table[last] = value
    return from_mapping(plain)


def from_mapping(plain: Mapping[str, Any]) -> RunConfig:
    """Read a configuration from plain values, as TOML gives them.

    Raises:
        ConfigError: an unknown or missing key, or a value of the wrong kind; the message names the key.
    """
    from pydantic import TypeAdapter, ValidationError

    values = {**plain, "rewards": _reward_tables(plain.get("rewards", ()))}
    _refuse_unknown(RunConfig, values, prefix="")
    try:
        return TypeAdapter(RunConfig).validate_python(values)
    except ValidationError as error:
        raise ConfigError(_first_problem(error.errors()[0])) from None


def read_record(kind: type[Record], plain: Mapping[str, Any]) -> Record:
    """A record of plain values, each converted and checked against its type.

    Raises:
        ConfigError: a value of the wrong kind; the message names the key.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        raise ConfigError(_first_problem(error.errors()[0])) from None


def _reward_tables(rewards: Any) -> Any:
    """Accept `rewards = "math"` and `rewards = ["math", {...}]` beside a list of tables."""
    listed = [rewards] if isinstance(rewards, str | Mapping) else rewards
    return [{"function": entry} if isinstance(entry, str) else entry for entry in listed] if isinstance(listed, list | tuple) else listed


def _refuse_unknown(record: type, values: Mapping[str, Any], *, prefix: str) -> None:
    hints = typing.get_type_hints(record)
    for key, value in values.items():
        if key not in hints:
            raise ConfigError(unknown(f"{prefix}{key}", kind="configuration key", allowed=[f"{prefix}{name}" for name in hints]))
        inner = _record_type(hints[key])
        if inner is None:
            continue
        for entry in value if isinstance(value, list | tuple) else [value]:
            if isinstance(entry, Mapping):
                _refuse_unknown(inner, entry, prefix=f"{prefix}{key}.")


def _record_type(hint: Any) -> type | None:
    """The dataclass in a type such as `X`, `X | None` or `tuple[X, ...]`."""
    if dataclasses.is_dataclass(hint):
        return hint if isinstance(hint, type) else None
    inner = typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_origin(hint) is tuple else ()
    return next((found for part in inner if (found := _record_type(part))), None)


def _first_problem(error: Any) -> str:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        return str(cause)
    key = ".".join(str(part) for part in error["loc"]) or "configuration"
    if error["type"] == "missing":
        return f"the configuration has no {key!r}, which is needed"
    return f"{key} is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def to_mapping(config: Any) -> dict[str, Any]:
    """A configuration as plain values: what `--dry-run` prints and the run directory keeps."""
    return {entry.name: _plain(getattr(config, entry.name)) for entry in dataclasses.fields(config)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
