"""What differs between the configuration a run was begun with and the one it is to be continued with.

Works on plain nested mappings; what a key means, and which ones may change, is for the caller to say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from proctor.errors import ConfigError


class Absent(Enum):
    """The value of a key that is not there; None is a value."""

    ABSENT = "(absent)"

    def __repr__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """One difference.

    Attributes:
        key: dotted, as `--set` takes it.
        old: the value the run was begun with.
        new: the value given now.
    """

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.old)} -> {_shown(self.new)}"


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ChangedKey]:
    """Compare two configurations key by key; tuples equal lists. Lists are compared whole, but for lists of tables, which are compared table by table.

    Args:
        old: as read from the run directory.
        new: as resolved now.

    Returns:
        The differences, by key.
    """
    before, after = (dict(_leaves(_plain(config))) for config in (old, new))
    pairs = ((key, before.get(key, Absent.ABSENT), after.get(key, Absent.ABSENT)) for key in sorted(before.keys() | after.keys()))
    return [ChangedKey(key, was, given) for key, was, given in pairs if not _is_same(was, given)]


def refuse_changes(old: Mapping[str, Any], new: Mapping[str, Any], *, run: Path, may_change: Collection[str] = (), may_grow: Collection[str] = ()) -> None:
    """Refuse to continue a run with another configuration.

    Args:
        old: as read from the run directory.
        new: as resolved now.
        run: the run directory, for the message.
        may_change: keys, or tables with everything below them, that may differ ("tracking").
        may_grow: keys whose number may become larger ("num_steps").

    Raises:
        ConfigError: something else differs; the message lists it.
    """
    refused = [change for change in changed_keys(old, new) if not _is_below(change.key, may_change) and not (change.key in may_grow and _has_grown(change))]
    if refused:
        listed = "; ".join(map(str, refused))
        allowed = ", ".join([*may_change, *(f"{key} (larger)" for key in may_grow)]) or "nothing"
        raise ConfigError(
            f"{run} was begun with another configuration: {listed}. "
            f"On --resume only this may change: {allowed}. Undo the change, or begin a new run with another --out"
        )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(config))


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            yield from _leaves(_by_name(value), f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _by_name(tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables under their names, or under their places where these do not tell them apart."""
    names = [str(table.get("name") or number) for number, table in enumerate(tables)]
    return dict(zip(names if len(set(names)) == len(names) else map(str, range(len(tables))), tables, strict=True))


def _is_same(old: Any, new: Any) -> bool:
    # Through JSON text: nan equals nan, and True is not 1.
    return old is new or (Absent.ABSENT not in (old, new) and json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))


def _is_below(key: str, tables: Collection[str]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)


def _has_grown(change: ChangedKey) -> bool:
    return isinstance(change.old, int | float) and isinstance(change.new, int | float) and change.new > change.old


def _shown(value: Any) -> str:
    return "(absent)" if value is Absent.ABSENT else json.dumps(value, ensure_ascii=False)
