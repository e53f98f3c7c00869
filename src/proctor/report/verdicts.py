"""What a person says about rollouts: wrongly rewarded, wrongly refused, with a note; kept beside the run, exported as verifier tests.

A mark carries the completion itself and its task: steps that a resume does again get other rollouts under the same numbers, and a mark
must not wander to them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from proctor.core import Outcome
from proctor.errors import ConfigError, LearnerError
from proctor.report.run_files import RunFiles
from proctor.report.store import Key, Store
from proctor.training import durable

Judgement = Literal["wrongly_rewarded", "wrongly_refused"]
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
MAX_NOTE_CHARACTERS = 4000

_EXPECTED = {"wrongly_rewarded": Outcome.INCORRECT, "wrongly_refused": Outcome.CORRECT}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One mark.

    Attributes:
        step, group, index: of the rollout when it was marked.
        judgement: what is wrong with its reward.
        note: of the person.
        at: local time with its offset, ISO 8601.
        task_id: of its task.
        prompt: what was asked.
        answer: the reference, as JSON; None where the task has none.
        completion: what was graded, whole.
        reward: that it got.
        info: what else the task knows, as JSON; None in runs that did not record it.
    """

    step: int
    group: int
    index: int
    judgement: Judgement
    note: str
    at: str
    task_id: str
    prompt: str
    answer: str | None
    completion: str
    reward: float | None
    info: str | None = None

    @property
    def key(self) -> Key:
        return Key(self.step, self.group, self.index)

    @property
    def digest(self) -> str:
        """Tells this completion of this task from any other."""
        return digest(self.task_id, self.completion)


def digest(task_id: str, completion: str) -> str:
    """Of a completion of a task: 16 hexadecimal digits."""
    return hashlib.sha256(f"{task_id}\0{completion}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def verdicts_path(run: RunFiles) -> Path:
    """Where the marks of a run lie: in a directory of their own, which a resume leaves alone."""
    return run.path.with_name(run.path.name + ".verdicts.jsonl") if run.is_one_file else run.path / "verdicts" / "verdicts.jsonl"


def read_verdicts(run: RunFiles) -> list[Verdict]:
    """All marks, by step, group and index.

    Raises:
        LearnerError: the file holds something else.
    """
    path = verdicts_path(run)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines, which also cuts at U+2028 in a text
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise LearnerError(f"{path} cannot be read ({error}); restore it or move it away") from error
    return sorted((_read(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()), key=lambda verdict: verdict.key)


def _read(line: str, number: int, path: Path) -> Verdict:
    try:
        verdict = Verdict(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise LearnerError(f"{path}, line {number} is no verdict ({error}); restore or remove that line") from error
    if verdict.judgement not in JUDGEMENTS:
        raise LearnerError(f"{path}, line {number} has the judgement {verdict.judgement!r}; allowed: {', '.join(JUDGEMENTS)}")
    return verdict


def mark(run: RunFiles, store: Store, key: Key, judgement: str, note: str) -> Verdict:
    """Mark a rollout, in the place of any earlier mark of it. On return it is on the disk.

    Raises:
        ConfigError: there is no such rollout or judgement, or the note is too long.
        LearnerError: it could not be written.
    """
    if judgement not in JUDGEMENTS:
        raise ConfigError(f"a rollout cannot be marked {judgement!r}; allowed: {', '.join(JUDGEMENTS)}")
    if len(note) > MAX_NOTE_CHARACTERS:
        raise ConfigError(f"the note has {len(note)} characters; at most {MAX_NOTE_CHARACTERS} are allowed")
    file = run.file(key.step)
    sql = 'SELECT task_id, prompt_text, answer, text, reward, info FROM rollouts WHERE "group" = ? AND "index" = ? LIMIT 1'
    found = store.ask([file], sql, [key.group, key.index]) if file else []
    if not found:
        raise ConfigError(f"the run {run.name} has no rollout {key} (step/group/index)")
    task_id, prompt, answer, text, reward, info = found[0]
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    verdict = Verdict(key.step, key.group, key.index, judgement, _valid(note), at, task_id or "", prompt or "", answer, text or "", reward, info)
    _change(run, lambda verdicts: [*(other for other in verdicts if other.key != key), verdict])
    return verdict


def unmark(run: RunFiles, key: Key) -> bool:
    """Take a mark back. False if there was none.

    Raises:
        LearnerError: it could not be written.
    """
    had = any(verdict.key == key for verdict in read_verdicts(run))
    if had:
        _change(run, lambda verdicts: [verdict for verdict in verdicts if verdict.key != key])
    return had


def _change(run: RunFiles, change: Callable[[list[Verdict]], list[Verdict]]) -> None:
    """Read, change and replace the file, one process at a time."""
    path = verdicts_path(run)
    try:
        path.parent.mkdir(exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            lines = [json.dumps(asdict(verdict), ensure_ascii=False) for verdict in sorted(change(read_verdicts(run)), key=lambda verdict: verdict.key)]
            durable.write_atomic(path, "".join(line + "\n" for line in lines).encode())
    except OSError as error:
        raise LearnerError(f"the verdict could not be written to {path}: {error.strerror or error}; make that place writable and mark it again") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def as_cases(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    """The marks as test cases for `proctor verify --cases`: the verifier must say `expected` of `completion`.

    What else the task knows stands in `info`; it is empty for runs that did not record it.
    """
    for verdict in verdicts:
        yield {
            "id": f"{verdict.task_id}-{verdict.digest}",
            "completion": verdict.completion,
            "task": {
                "prompt": verdict.prompt,
                "answer": None if verdict.answer is None else json.loads(verdict.answer),
                "info": {} if verdict.info is None else json.loads(verdict.info),
            },
            "expected": _EXPECTED[verdict.judgement].value,
        }


def cases_jsonl(verdicts: Sequence[Verdict]) -> str:
    """`as_cases`, one JSON object a line."""
    return "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in as_cases(verdicts))


def marked_keys(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """`step/group/index` of the marked rollouts by judgement, for the search."""
    return {judgement: [str(verdict.key) for verdict in verdicts if verdict.judgement == judgement] for judgement in JUDGEMENTS}
