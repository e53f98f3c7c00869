"""Filters that ask a verifier, in its killable workers, whether each gold answer verifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proctor.core import Task
from proctor.data.curation.base import Removal, Tools, Verdicts
from proctor.data.curation.store import BASE_SCHEMA, Chunk, Frame
from proctor.errors import ConfigError
from proctor.verifiers.names import make_verifier

_MAX_REMEMBERED = 500_000


@dataclass(frozen=True, slots=True)
class Verifiable:
    """Take out rows whose reference answer is missing or is not CORRECT by the verifier that training will use.

    Attributes:
        verifier: a short name or an import string; it must have a method `gold`.
        arguments: of the verifier.
    """

    verifier: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: ClassVar[str] = "verifiable"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not callable(getattr(make_verifier(self.verifier, self.arguments), "gold", None)):
            raise ConfigError(f"{self.kind}: {self.verifier!r} has no method gold(task), so it cannot say which completion would be right")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Equal answers are asked once where the verifier says that it reads nothing else (`reads_only_answer`)."""
        verdicts: dict[str, str | None] = {}
        by_answer = bool(getattr(make_verifier(self.verifier, self.arguments), "reads_only_answer", False))
        num_done = 0
        with tools.rewards(self.verifier, self.arguments) as rewards:
            for chunk in frame.chunks(*BASE_SCHEMA.names):
                if len(verdicts) > _MAX_REMEMBERED:
                    verdicts.clear()
                keys = [str(answer) for answer in chunk.columns["answer"]] if by_answer else [str(row) for row in chunk.rows]
                new = {key: index for index, key in enumerate(keys) if key not in verdicts}
                tasks = _tasks(chunk, new.values())
                verdicts |= dict(zip(new, rewards.gold_failures(tasks), strict=True))
                reasons = zip(chunk.rows, (verdicts[key] for key in keys), strict=True)
                yield Verdicts([Removal(int(row), "the answer does not verify", reason) for row, reason in reasons if reason is not None])
                num_done += len(chunk.rows)
                tools.progress(f"{self.kind}: {num_done} rows")


def _tasks(chunk: Chunk, places: Any) -> list[Task]:
    wanted = list(places)
    return Chunk(chunk.rows[wanted], {name: [values[place] for place in wanted] for name, values in chunk.columns.items()}).tasks()
