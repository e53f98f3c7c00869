"""How the viewer behaves on a run of a million rollouts: writes docs/results/viewer.json.

python evidence/viewer.py [--work DIR]

A run of 1,000 steps with 125 groups of 8 rollouts is made up (`synthetic_run.py`) unless DIR has it already. `proctor view` is started on it
as a user would start it, and asked over HTTP. Times include everything between the request and the last byte of the answer; the peak
memory is the server's own, after its survey of all rollouts has ended. The machine is used by others while this runs, so medians are given
beside the slowest, the load average beside them, and for opening the processor time beside the clock.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from common import DOCS
from synthetic_run import write_run

NUM_STEPS, NUM_GROUPS, GROUP_SIZE = 1000, 125, 8
NUM_STARTS, NUM_ROLLOUTS, NUM_REPEATS = 5, 100, 5
SEARCHES = ("reward > 0.9 and length < 20", '"counting on"', "flag = short_and_rewarded", "outcome = error", "task = sums-0123")


@dataclass(slots=True)
class Client:
    """One browser's connection to the viewer."""

    port: int
    cookie: str = ""

    def get(self, path: str) -> Any:
        """The answer to a request, read to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("GET", path, headers={"Cookie": self.cookie} if self.cookie else {})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {content[:200]!r}")
        self.cookie = (response.getheader("Set-Cookie") or self.cookie).split(";")[0]
        connection.close()
        return json.loads(content) if path.startswith("/api") else content


def start(run: Path) -> tuple[subprocess.Popen[str], Client, float]:
    """Start the viewer; returns it when the page and everything that its overview asks for have been answered, with the seconds that took."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "proctor.cli.main", "view", str(run)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    match = re.search(r"http://127\.0\.0\.1:(\d+)(/\?token=\S+)", process.stdout.readline())
    assert match is not None
    client = Client(int(match[1]))
    client.get(match[2])
    client.get("/api/vocabulary")
    client.get("/api/runs")
    client.get("/api/runs/0/overview")
    return process, client, time.perf_counter() - began


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(30)


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median_s": round(statistics.median(seconds), 4), "max_s": round(max(seconds), 4), "num": len(seconds)}


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far: unlike the clock, it does not depend on who else uses the machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]


def measure(run: Path) -> dict[str, Any]:
    """Everything, in the order a person would meet it."""
    load = os.getloadavg()
    starts: list[float] = []
    processor: list[float] = []
    for _ in range(NUM_STARTS):
        process, client, seconds = start(run)
        starts.append(seconds)
        processor.append(cpu_seconds(process.pid))
        stop(process)
    process, client, _ = start(run)
    memory = {"after_opening_mb": round(peak_memory_mb(process.pid))}
    rng = random.Random(0)
    keys = [(rng.randrange(NUM_STEPS), rng.randrange(NUM_GROUPS), rng.randrange(GROUP_SIZE)) for _ in range(NUM_ROLLOUTS)]
    during = [timed(lambda key=key: client.get(f"/api/runs/0/rollouts/{key[0]}/{key[1]}/{key[2]}")) for key in keys]
    began = time.perf_counter()
    while (head := client.get("/api/runs")[0])["num_surveyed"] < head["num_files"]:
        time.sleep(2)
    survey_s = time.perf_counter() - began
    keys = [(rng.randrange(NUM_STEPS), rng.randrange(NUM_GROUPS), rng.randrange(GROUP_SIZE)) for _ in range(NUM_ROLLOUTS)]
    after = [timed(lambda key=key: client.get(f"/api/runs/0/rollouts/{key[0]}/{key[1]}/{key[2]}")) for key in keys]
    steps = [timed(lambda: client.get(f"/api/runs/0/rollouts?step={rng.randrange(NUM_STEPS)}&order=reward_desc")) for _ in range(20)]
    searches = {
        text: spread([timed(lambda text=text: client.get(f"/api/runs/0/rollouts?where={quote(text)}")) for _ in range(NUM_REPEATS)]) for text in SEARCHES
    }
    memory["after_everything_mb"] = round(peak_memory_mb(process.pid))
    stop(process)
    return {
        "num_rollouts": head["num_rollouts"],
        "rollout_files_mb": round(sum(path.stat().st_size for path in (run / "rollouts").iterdir()) / 1e6),
        "load_average_before": [round(value, 1) for value in load],
        "open_cold_process_to_overview": spread(starts),
        "open_cold_process_to_overview_processor_time": spread(processor),
        "one_rollout_while_surveying": spread(during),
        "one_rollout": spread(after),
        "a_page_of_one_step_by_reward": spread(steps),
        "first_page_of_a_search_over_all_rollouts": searches,
        "survey_of_all_rollouts_in_the_background_s": round(survey_s, 1),
        "peak_memory_of_the_server": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/evidence-viewer"))
    run = parser.parse_args().work
    if not (run / "summary.json").exists():
        write_run(run, num_steps=NUM_STEPS, num_groups=NUM_GROUPS, group_size=GROUP_SIZE)
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    result = {"command": "python evidence/viewer.py", "machine": f"{models[0]}, {len(models)} cores, shared with other work", **measure(run)}
    out = DOCS / "results" / "viewer.json"
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(out.read_text())


if __name__ == "__main__":
    main()
