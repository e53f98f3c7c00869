"""Regenerate the comparison of mathematics graders: docs/results/graders.json and docs/graders.md.

    python evidence/graders.py --environment DIR [--public cases.jsonl] [--only NAME ...]

The other graders are installed from the package index into a virtual environment in DIR, once. Each grades the same
rows in a process of its own, which is killed where a row takes longer than the limit. What was counted is kept in DIR, so
that graders can be run one by one, or at the same time; the page shows all that have graded the same number of rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from evidence.common import DOCS, write_json  # noqa: E402
from evidence.grading.cases import SEED, Case, collect  # noqa: E402
from evidence.grading.worker import GRADERS  # noqa: E402

LIMIT_S = 10.0
START_LIMIT_S = 300.0
INSTALLED = ("math-verify", "inspect-ai")
WITHOUT_DEPENDENCIES = ("trl", "verl")  # only files of theirs that need nothing else, or what is installed here


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a grader said of one row: `paid`, `refused`, `raised`, `hung` (killed at the limit) or `died`."""

    outcome: str
    seconds: float


class Worker:
    """A grader in a process that is replaced when it hangs or dies."""

    def __init__(self, name: str, environment: Path) -> None:
        self._name = name
        self._command = [sys.executable if name == "Proctor" else str(environment / "bin" / "python"), "-m", "evidence.grading.worker", name]
        self._environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), *_shared_packages(name)]), OMP_NUM_THREADS="1")
        self.version = ""
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment, cwd=ROOT, start_new_session=True
        )
        self._buffer = b""
        hello = self._read(START_LIMIT_S)
        if hello is None or "version" not in hello:
            raise RuntimeError(f"{self._name} cannot be used: {hello}")
        self.version = hello["version"]

    def grade(self, case: Case) -> Verdict:
        start = time.perf_counter()
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"gold": case.gold, "completion": case.completion}).encode() + b"\n")
            self._process.stdin.flush()
            reply = self._read(LIMIT_S)
        except BrokenPipeError:
            reply = {}
        if reply:
            return Verdict("raised" if "raised" in reply else "paid" if reply["paid"] else "refused", reply["seconds"])
        seconds = time.perf_counter() - start
        self.stop()
        self._start()
        return Verdict("hung" if reply is None else "died", seconds)

    def _read(self, limit_s: float) -> dict[str, Any] | None:
        """One line from the worker; {} where it died, None where it took too long."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                return {}
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _shared_packages(name: str) -> list[str]:
    """TRL needs transformers and torch, which are installed where this script runs."""
    return [path for path in sys.path if path.endswith("site-packages")] if name.startswith("TRL") else []


def prepare(environment: Path) -> None:
    """Create the virtual environment of the other graders, once."""
    done = environment / "done"
    if done.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *INSTALLED], check=True)
    subprocess.run([*pip, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
    done.touch()


def run(name: str, cases: Sequence[Case], environment: Path) -> dict[str, Any]:
    """Grade all rows with one grader and count."""
    worker = Worker(name, environment)
    try:
        verdicts = [worker.grade(case) for case in cases]
    finally:
        worker.stop()
    pairs = list(zip(cases, verdicts, strict=True))
    milliseconds = sorted(1000 * verdict.seconds for verdict in verdicts)
    ordinary = [1000 * verdict.seconds for case, verdict in pairs if case.source != "costly"]
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    return {
        "name": name,
        "version": worker.version,
        "accuracy": sum((verdict.outcome == "paid") is case.is_right for case, verdict in pairs) / len(pairs),
        **{source: _errors([pair for pair in pairs if pair[0].source in sources]) for source, sources in _SOURCES.items()},
        **{key: outcomes[key] for key in ("raised", "hung", "died")},
        "median_ms": statistics.median(ordinary),
        "p99_ms": milliseconds[int(0.99 * (len(milliseconds) - 1))],
        "max_ms": milliseconds[-1],
        "wrong": [asdict(case) | {"outcome": verdict.outcome} for case, verdict in pairs if (verdict.outcome == "paid") is not case.is_right][:400]
        if name == "Proctor"
        else [],
    }


_SOURCES = {
    "all": ("public", "attack", "spelling", "costly", "rewrite"),
    "public": ("public",),
    "attacks": ("attack", "costly"),
    "rewrites": ("rewrite", "spelling"),
}


def _errors(pairs: Sequence[tuple[Case, Verdict]]) -> dict[str, int]:
    right = [verdict for case, verdict in pairs if case.is_right]
    wrong = [verdict for case, verdict in pairs if not case.is_right]
    return {
        "right": len(right),
        "wrong": len(wrong),
        "false_negatives": sum(verdict.outcome != "paid" for verdict in right),
        "false_positives": sum(verdict.outcome == "paid" for verdict in wrong),
    }


def machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def page(found: dict[str, Any]) -> str:
    """The page of the docs."""
    rows = [
        "| grader | version | accuracy | wrongly paid | wrongly refused | attacks paid | raised / killed at the limit / died | median ms | p99 ms | worst ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    detail = ["| grader | public: wrongly paid | public: wrongly refused | rewrites: wrongly paid | rewrites: wrongly refused |", "|---|---|---|---|---|"]
    for one in found["graders"]:
        total, attacks, public, rewrites = one["all"], one["attacks"], one["public"], one["rewrites"]
        rows.append(
            f"| {one['name']} | {one['version']} | {one['accuracy']:.2%} "
            f"| {total['false_positives']} of {total['wrong']} | {total['false_negatives']} of {total['right']} "
            f"| {attacks['false_positives']} of {attacks['wrong']} | {one['raised']} / {one['hung']} / {one['died']} "
            f"| {one['median_ms']:.2f} | {one['p99_ms']:.0f} | {'at the limit' if one['hung'] else format(one['max_ms'], '.0f')} |"
        )
        detail.append(
            f"| {one['name']} | {public['false_positives']} of {public['wrong']} | {public['false_negatives']} of {public['right']} "
            f"| {rewrites['false_positives']} of {rewrites['wrong']} | {rewrites['false_negatives']} of {rewrites['right']} |"
        )
    missing = [name for name in GRADERS if name not in [one["name"] for one in found["graders"]]]
    if missing:
        rows.append(f"\nNot measured on these rows yet: {', '.join(missing)}.")
    return PAGE.format(
        num_cases=found["num_cases"], machine=found["machine"], seed=found["seed"], limit=found["limit_s"], table="\n".join(rows), detail="\n".join(detail)
    )


PAGE = """# Mathematics graders compared

`python evidence/graders.py --environment DIR` writes this page: {num_cases} rows, seed {seed}, each grader in a process of its own that is killed
at {limit:.0f} s of wall clock a row, on {machine}. Times are processor time of the call alone, after one warm-up; killed rows count with their
wall clock. The machine is shared and was busy: a row that takes seconds elsewhere may have reached the limit here. The median leaves out the rows that are
costly on purpose.

{table}

"Attacks" are hand-written rows whose answer is wrong (`evidence/grading/attacks.py`, `costly.py`): hedges, lists, chains of equations, tiny
differences, erased units, echoed problems, code, and inputs that cost time. A row that raises, hangs or dies counts as not paid. Public rows are half of the
graders' own test suites, unambiguous ones only; rewrites are drawn by `evidence/grading/rewrites.py` from 34 kinds of answers:

{detail}

How to read it:

- The attacks, the spellings and the rewrites were written beside Proctor's grader, by the same hands, and it was corrected until it passed
  them. Only rows that it has not seen can say how well that carries over. The public rows were seen too; they come mostly from the suite of math-verify.
- Some near misses are a matter of kind: `3, 4` for `(3, 4)`, or `5 m` for `5 cm`. A grader that was built to be lenient there is counted as wrong here.
- Two of the rewrites that Proctor refuses are sums left to work out (`492 + 7` for 499), which it holds to be questions and no answers. They count against it.
- math-verify and TRL get the gold answer between dollar signs, as their documentation asks, and keep their own limits of time.
- inspect-ai is called at the two functions that its scorer runs in a worker process, without that process: its own limit of time is not at work.
- verl's two functions read only the last box and are the floor: normalised strings. Its `prime_math` is left out because it evaluates the
  completion as code.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", type=Path, required=True, help="directory of the other graders' virtual environment")
    parser.add_argument("--public", type=Path, default=ROOT.parent / "shared" / "data" / "graders" / "cases.jsonl", help="public equivalence cases, if at hand")
    parser.add_argument("--only", nargs="*", default=list(GRADERS), help="names of graders")
    arguments = parser.parse_args()
    environment = arguments.environment.resolve()
    prepare(environment)
    cases = collect(arguments.public if arguments.public.exists() else None)
    for name in arguments.only:
        counted = run(name, cases, environment) | {"num_cases": len(cases)}
        write_json(environment / "graded" / f"{name}.json", counted)
        print(name, {key: value for key, value in counted.items() if key != "wrong"}, flush=True)
    graders = [json.loads(path.read_text()) for name in GRADERS if (path := environment / "graded" / f"{name}.json").exists()]
    graders = [one for one in graders if one["num_cases"] == len(cases)]
    found = {"command": "python evidence/graders.py", "machine": machine(), "seed": SEED, "limit_s": LIMIT_S, "num_cases": len(cases), "graders": graders}
    write_json(DOCS / "results" / "graders.json", found)
    (DOCS / "graders.md").write_text(page(found))


if __name__ == "__main__":
    main()
