"""Containers as a sandbox, on a real engine: the self-test inside them, a graded program, and what a test costs.

    python evidence/containers.py --image python:3.12-slim [--engine docker] [--runtime runsc ...]

Writes docs/results/containers.json. The image needs a shell, `env` and `python3` with ctypes. Without --runtime the engine's own and gVisor's are tried.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import time

from common import DOCS, write_json

from proctor.core.task import Task
from proctor.errors import SandboxError
from proctor.sandbox.base import ExecLimits, ExecStatus, PythonCall
from proctor.sandbox.container import ContainerSandbox
from proctor.sandbox.policy import self_test
from proctor.verifiers.programs import ProgramVerifier

TASK = Task("double", "", info={"tests": ["assert f(20) == 40", "assert f(21) == 42"]})
PROGRAMS = {
    "right": "def f(n): return 2 * n",
    "wrong": "def f(n): return n * n",
    "exits": "import sys; sys.exit(0)",
    "always equal": "class A:\n    def __eq__(self, other): return True\ndef f(n): return A()",
    "for ever": "def f(n):\n    while True: pass",
}
NUM_CALLS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--engine", choices=["docker", "podman"], default="docker")
    parser.add_argument("--runtime", action="append", metavar="NAME")
    arguments = parser.parse_args()
    version = subprocess.run([arguments.engine, "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=True).stdout.strip()
    found = {runtime or "default": _tried(arguments.engine, arguments.image, runtime) for runtime in arguments.runtime or ["", "runsc"]}
    write_json(
        DOCS / "results" / "containers.json",
        {"engine": f"{arguments.engine} {version}", "machine": f"{platform.platform()}, {os.cpu_count()} cores", "runtimes": found},
    )


def _tried(engine: str, image: str, runtime: str) -> dict[str, object]:
    name = f"{engine}{'+' if runtime else ''}{runtime}:{image}"
    sandbox = ContainerSandbox.named(name)
    try:
        report = self_test(sandbox)
    except SandboxError as error:
        raise SystemExit(str(error)) from None
    attempts = {attempt.name: "denied" if attempt.is_denied else attempt.detail for attempt in report.attempts}
    print(f"{name}: {report.summary}")
    if not report.is_sound:
        return {"summary": report.summary, "attempts": attempts}
    verifier = ProgramVerifier(container=name, time_limit_s=1.0)
    scores = {case: verifier(f"```python\n{source}\n```", TASK) for case, source in PROGRAMS.items()}
    outcomes = {case: str(score.outcome) for case, score in scores.items()}
    seconds = [_seconds(sandbox) for _ in range(NUM_CALLS)]
    print(f"  outcomes {outcomes}; a call takes {statistics.median(seconds):.2f} s, at most {max(seconds):.2f}")
    return {
        "summary": report.summary,
        "attempts": attempts,
        "outcomes": outcomes,
        "calls": NUM_CALLS,
        "median_s": round(statistics.median(seconds), 3),
        "longest_s": round(max(seconds), 3),
    }


def _seconds(sandbox: ContainerSandbox) -> float:
    """Of one call that does nothing, from outside."""
    began = time.monotonic()
    result = sandbox.run(PythonCall("def f(): return 1", "f"), ExecLimits())
    assert result.status is ExecStatus.EXITED, result
    return time.monotonic() - began


if __name__ == "__main__":
    main()
