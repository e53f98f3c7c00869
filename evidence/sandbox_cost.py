"""What isolation costs on this machine, and that it leaves nothing behind: docs/results/sandbox-cost.json.

    python evidence/sandbox_cost.py [--executions 10000]
    python evidence/sandbox_cost.py --concurrent-only 8 --places 64 6     prints eight measurements of concurrent calls, in turns with 64 jobs
                                                                          at once (as many as there are callers) and 6, and writes nothing

Cold is one call in a fresh sandbox, warm one in a session; a bare interpreter is timed beside them, so that a busy machine
shows. Concurrent is warm calls by 64 threads, each with a session of its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from evidence.common import DOCS, write_json

from proctor.sandbox import local
from proctor.sandbox.base import Layer, PythonCall, Session
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.places import PLACES_PER_CORE, Places
from proctor.sandbox.policy import self_test

CALL = PythonCall("def f(n): return n + 1", "f", (1,))
NAMESPACES = ("pid", "net", "mnt", "ipc", "uts", "user")


def milliseconds(action: Callable[[], object], count: int) -> list[float]:
    """Time an action `count` times."""
    times: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1000)
    return times


def spread(times: list[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p90_ms": round(ordered[int(0.9 * len(ordered))], 2),
        "p99_ms": round(ordered[int(0.99 * len(ordered))], 2),
        "min_ms": round(ordered[0], 2),
        "count": len(ordered),
    }


def concurrent(sandbox: LocalSandbox, num_threads: int, calls_each: int) -> list[float]:
    """Time warm calls by many threads at once."""

    def work(session: Session) -> list[float]:
        return milliseconds(lambda: session.run(CALL), calls_each)

    sessions = [sandbox.session() for _ in range(num_threads)]
    try:
        with ThreadPoolExecutor(num_threads) as threads:
            list(threads.map(lambda session: session.run(CALL), sessions))
            return [value for times in threads.map(work, sessions) for value in times]
    finally:
        for session in sessions:
            session.close()


def leftovers(sandbox: LocalSandbox, *, num_executions: int) -> dict[str, int]:
    """Run warm calls, some of which fork, write, hang on to files or fail, and count what is there afterwards that was not before."""
    programs = [
        CALL,
        PythonCall("import os\nfor _ in range(3): os.fork()"),
        PythonCall("import os\nos.makedirs('a/b')\nopen('a/b/c', 'w').write('x')\nos.symlink('/', 'a/l')"),
        PythonCall("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(100)"),
        PythonCall("raise ValueError"),
    ]
    sandbox.run(CALL)  # starts what the parent keeps for good
    before = _held()
    with sandbox.session() as session:
        for index in range(num_executions):
            session.run(programs[index % len(programs)] if index % 4 == 0 else CALL)
    after = _held()
    return {name: len(after[name] - before[name]) for name in before}


def _held() -> dict[str, set[str]]:
    own, roots = f"-{os.getpid()}-", [Path(f"/sys/fs/cgroup/{name}") for name in ("pids", "memory", "")]
    descendants, queue = set[str](), [os.getpid()]
    while queue:
        for children in Path(f"/proc/{queue.pop()}/task").glob("*/children"):
            found = children.read_text().split()
            descendants.update(found)
            queue.extend(map(int, found))
    return {
        "processes": descendants,
        "descriptors": {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists()},
        "files": {path.name for path in Path(tempfile.gettempdir()).glob(f"proctor*{own}*")},
        "groups": {str(path) for root in roots for path in root.glob(f"proctor{own}*")},
        "namespaces": {str(Path(f"/proc/{pid}/ns/{name}").readlink()) for pid in descendants for name in NAMESPACES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--cold", type=int, default=60)
    parser.add_argument("--warm", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--concurrent-only", type=int, default=0, metavar="TIMES")
    parser.add_argument("--places", type=int, nargs="+", default=[PLACES_PER_CORE * len(os.sched_getaffinity(0))], metavar="N")
    arguments = parser.parse_args()
    if arguments.concurrent_only:
        for _ in range(arguments.concurrent_only):
            for count in arguments.places:
                line = Places(count)
                local._places = lambda line=line: line
                print(f"{count} places: {spread(concurrent(LocalSandbox(Layer.NAMESPACE), arguments.threads, 20))}", flush=True)
        return
    bare = [sys.executable, "-I", "-S", "-c", "print(1)"]
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    result: dict[str, object] = {
        "machine": f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores",
        "versions": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "user": "root" if os.geteuid() == 0 else "ordinary",
        "load_at_start": os.getloadavg()[0],
        "bare_interpreter": spread(milliseconds(lambda: subprocess.run(bare, capture_output=True, check=True), arguments.cold)),
    }
    for layer in (Layer.NAMESPACE, Layer.LANDLOCK, Layer.PLAIN):
        sandbox = LocalSandbox(layer)
        report = self_test(sandbox)
        if not report.is_usable:
            result[layer.value] = {"not usable here": report.problem}
            continue
        with sandbox.session() as session:
            session.run(CALL)
            warm = spread(milliseconds(lambda session=session: session.run(CALL), arguments.warm))
        result[layer.value] = {
            "denied": [attempt.name for attempt in report.attempts if attempt.is_denied],
            "allowed": [attempt.name for attempt in report.attempts if not attempt.is_denied],
            "cold": spread(milliseconds(lambda sandbox=sandbox: sandbox.run(CALL), arguments.cold)),
            "warm": warm,
        }
    sandbox = LocalSandbox(Layer.NAMESPACE)
    result[f"concurrent_{arguments.threads}"] = spread(concurrent(sandbox, arguments.threads, 20))
    result["left_behind"] = {"executions": arguments.executions, **leftovers(sandbox, num_executions=arguments.executions)}
    result["load_at_end"] = os.getloadavg()[0]
    write_json(DOCS / "results" / "sandbox-cost.json", result)


if __name__ == "__main__":
    main()
