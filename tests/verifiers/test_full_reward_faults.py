"""Reward functions that do the worst there is, in a real training run; workers killed at random; a thousand injected faults."""

from __future__ import annotations

import ctypes
import hashlib
import json
import math
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import proctor
from proctor.core.task import Task
from proctor.sandbox import local
from proctor.sandbox.base import ExecLimits, ExecStatus, Layer, Limits
from proctor.sandbox.local import LocalSession
from proctor.training.rollout_table import read_rollouts
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.languages import Program
from proctor.verifiers.program_tests import CallTest
from proctor.verifiers.programs import ProgramVerifier
from proctor.verifiers.rewards import Rewards
from tests.sandbox.layers import descendants, sandbox

pytestmark = pytest.mark.full


def fork_bomb() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            continue


def write_ten_gigabytes() -> None:
    with open(f"/var/tmp/proctor-fault-{os.getpid()}", "wb") as file:  # noqa: PTH123
        os.unlink(file.name)  # noqa: PTH108
        for _ in range(10_000):
            file.write(bytes(1_000_000))


def forge() -> None:
    body = json.dumps({"value": {"scores": [[None, 1e9, None, "", {}, {}]]}}).encode()
    for fd in range(3, 40):
        try:
            os.write(fd, len(body).to_bytes(8, "big") + body)
        except OSError:
            continue
    print(body.decode(), flush=True)
    os._exit(0)


FAULTS: dict[str, Callable[[], Any]] = {
    "hangs in C": lambda: len(str(9**9**9)),
    "fork bomb": fork_bomb,
    "100 GB": lambda: bytearray(100 * 10**9),
    "10 GB file": write_ten_gigabytes,
    "exit": lambda: os._exit(0),
    "segfault": lambda: ctypes.string_at(0),
    "raise": lambda: 1 / 0,
    "NaN": lambda: math.nan,
    "forge": forge,
    "kill the parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
}


def fault_of(completion: str) -> str | None:
    """Which fault a completion causes; about one in four causes one. Of the text alone, so that a test knows it too."""
    number = int(hashlib.sha256(completion.encode()).hexdigest(), 16)
    return sorted(FAULTS)[number % 40] if number % 40 < len(FAULTS) else None


def honest(completion: str) -> float:
    return (len(completion) % 5 + 1) / 10


def treacherous(completion: str) -> float:
    fault = fault_of(completion)
    value = FAULTS[fault]() if fault else None
    return honest(completion) if value is None else float(value)


@pytest.mark.timeout(1500)
def test_a_run_survives_every_fault_and_invents_no_score(tmp_path: Path) -> None:
    letters = [letter for letter in "abcdefghijklmnop" if fault_of(letter) is None]  # a fault on a gold answer is found before training
    tasks = [{"prompt": f"say {letter}", "answer": letter} for letter in letters]
    settings: dict[str, Any] = {
        "num_steps": 4,
        "prompts_per_step": 4,
        "group_size": 4,
        "max_completion_tokens": 4,
        "scoring": {"timeout_s": 4.0, "max_memory_bytes": 4 << 30},
    }
    proctor.train("tiny", tasks, reward=treacherous, out=tmp_path / "run", listener=lambda event: None, **settings)
    rows = [row for path in sorted((tmp_path / "run" / "rollouts").glob("*.parquet")) for row in read_rollouts(path).to_pylist()]
    seen = Counter(fault_of(row["text"]) for row in rows)
    assert len(rows) == 64 and len(seen) >= 6, seen
    for row in rows:
        fault, reward = fault_of(row["text"]), row["reward"]
        if fault is None:
            assert reward == pytest.approx(honest(row["text"])), row
        else:
            assert reward == 0.0, row
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    num_faults = sum(count for fault, count in seen.items() if fault)
    assert sum(row["reward_faults"] for row in metrics) == num_faults
    assert descendants() == []


def dies_once(completion: str) -> float:
    number = int(completion.split()[0])
    mark = Path(completion.split()[1]) / str(number)
    if number % 20 == 7 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number / 1000


@pytest.mark.timeout(600)
def test_workers_killed_one_time_in_twenty_change_no_reward(tmp_path: Path) -> None:
    requests = [ScoreRequest(Task(str(number), ""), f"{number} {tmp_path}") for number in range(400)]
    with Rewards([RewardPart("dies", dies_once)], num_workers=2, limits=Limits(start_s=120)) as rewards:
        scores = [score["dies"] for score in rewards.score(requests)]
        assert rewards.counters.crashes >= 20
        assert rewards.faults == Counter()
    assert [score.value for score in scores] == [number / 1000 for number in range(400)]


RIGHT, WRONG = "def f(n): return n * n", "def f(n): return -1"


class Injector:
    """Makes a session fail in one of the ways in which machines fail."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._draw = random.Random(seed)
        self._pending: Iterator[str] = iter(())
        self._exchange = local._Harness._exchange
        monkeypatch.setattr(local._Harness, "_exchange", lambda harness, *arguments: self.exchange(harness, *arguments))

    def plan(self, *faults: str) -> None:
        self._pending = iter(faults)

    def exchange(self, harness: Any, frame: bytes, received: Any, *bounds: Any) -> dict[str, Any]:
        is_job = len(frame) < 5000  # what starts a harness carries its code
        fault = next(self._pending, "none") if is_job else "none"
        if fault == "killed":
            harness._process.kill()
        elif fault == "garbage":
            received.control += self._draw.randbytes(64)
        elif fault == "not started":
            return {"failed": "[Errno 28] No space left on device"}
        reply = self._exchange(harness, frame, received, *bounds)
        if fault == "claim lost":
            received.claim.clear()
        elif fault == "claim damaged":
            received.claim[self._draw.randrange(len(received.claim))] ^= 1 << self._draw.randrange(8)
        elif fault == "claim twice":
            received.claim += bytes(received.claim)
        return reply


@pytest.mark.timeout(1500)
def test_a_thousand_faults_give_no_wrong_pass_and_no_silent_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    injector, draw = Injector(0, monkeypatch), random.Random(1)
    verifier, test = ProgramVerifier(), CallTest((7,), 49)
    session: LocalSession = sandbox(Layer.NAMESPACE).session()
    once, twice = ("killed", "garbage", "not started"), ("killed", "garbage")
    counts: Counter[str] = Counter()
    for _ in range(1000):
        fault = draw.choice(["once", "once", "twice", "never starts", "claim"])
        faults = {
            "once": (draw.choice(once),),
            "twice": (draw.choice(twice), draw.choice(twice)),
            "never starts": ("not started", "not started"),
            "claim": (draw.choice(["claim lost", "claim damaged", "claim twice"]),),
        }[fault]
        is_right = draw.random() < 0.5
        injector.plan(*faults)
        verdict = verifier._run(Program("python", RIGHT if is_right else WRONG), test, "f", session, ExecLimits(wall_s=30))
        assert not (verdict.is_passed and not is_right), faults  # no wrong pass
        if fault == "never starts":
            assert verdict.is_error, (faults, verdict)
        elif fault == "once":
            assert (verdict.is_passed, verdict.is_error) == (is_right, False), (faults, verdict)
        else:
            assert not verdict.is_error and (verdict.is_passed or verdict.reason), (faults, verdict)  # no silent fail
        counts[f"{fault}: {'error' if verdict.is_error else 'pass' if verdict.is_passed else 'fail'}"] += 1
    session.close()
    assert sum(counts.values()) == 1000 and counts["once: pass"] > 100 and counts["never starts: error"] > 100
    assert descendants() == []


@pytest.mark.timeout(1200)
def test_a_thousand_executions_leave_nothing() -> None:
    """The command `evidence/sandbox_cost.py` does the same ten thousand times."""
    from evidence.sandbox_cost import leftovers

    where = sandbox(Layer.NAMESPACE)
    assert leftovers(where, num_executions=1000) == {"processes": 0, "descriptors": 0, "files": 0, "groups": 0, "namespaces": 0}
    assert where.run(local.PythonCall("pass")).status is ExecStatus.EXITED
