"""A million synthetic rows through `proctor curate`: seconds, processor seconds, peak memory, and whether what was planted is found.

`python evidence/curation.py [--rows N] [--work DIR]` writes docs/results/curation.json. The rows are made of random words, so that
two of them resemble one another only where it was planted: exact and near duplicates, passages of an evaluation file, rewritten
validation tasks, forms of question that cannot be checked, answers that nobody can read.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import DOCS, write_json

SHARES = {
    "exact duplicate": 0.08,
    "near duplicate": 0.05,
    "contaminated": 0.01,
    "too close": 0.005,
    "multiple choice": 0.03,
    "true false": 0.02,
    "proof": 0.02,
    "unreadable": 0.005,
}
FILTERS = """
[[filters]]
kind = "normalise"
[[filters]]
kind = "exact_duplicates"
[[filters]]
kind = "near_duplicates"
[[filters]]
kind = "forms"
[[filters]]
kind = "decontaminate"
files = ["evaluation.jsonl"]
[[filters]]
kind = "too_close"
files = ["validation.jsonl"]
[[filters]]
kind = "verifiable"
verifier = "math"
[[filters]]
kind = "domains"
[[filters]]
kind = "balance"
max_rows = 400000
"""


def vocabulary(rng: random.Random, size: int = 8000) -> list[str]:
    """Pronounceable words that mean nothing."""
    syllables = [consonant + vowel for consonant in "bcdfglmnprstv" for vowel in "aeiou"]
    return sorted({"".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(size)})


def problem(rng: random.Random, words: list[str]) -> tuple[str, str]:
    """Some thirty to fifty words and a number."""
    story = " ".join(rng.choices(words, k=rng.randint(22, 40)))
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    return f"A {story} buys {a} and then {b} more. How many {rng.choice(words)}?", str(a + b)


def rewritten(rng: random.Random, text: str, words: list[str], num: int) -> str:
    """The text with some of its words exchanged."""
    parts = text.split(" ")
    for place in rng.sample(range(2, len(parts) - 10), num):
        parts[place] = rng.choice(words)
    return " ".join(parts)


def rows(num: int, rng: random.Random, words: list[str], evaluation: list[str], validation: list[str]) -> Iterator[tuple[str, str, str]]:
    """Kind, prompt and answer of each row; a duplicate follows what it repeats by a few hundred thousand rows at most."""
    kinds, shares = [*SHARES, "plain"], [*SHARES.values(), 1 - sum(SHARES.values())]
    earlier: list[tuple[str, str]] = []
    for _ in range(num):
        kind = rng.choices(kinds, shares)[0] if len(earlier) > 50 else "plain"
        text, answer = problem(rng, words)
        if kind == "exact duplicate":
            text, answer = rng.choice(earlier)
            text = text.replace(" ", "  ", 1)
        elif kind == "near duplicate":
            text, answer = rng.choice(earlier)
            text = rewritten(rng, text, words, 1)
        elif kind == "contaminated":
            passage = rng.choice(evaluation).split(" ")[3:19]
            text = f"Consider this. {' '.join(passage)}. {text}"
        elif kind == "too close":
            text = rewritten(rng, rng.choice(validation), words, 3)
        elif kind == "multiple choice":
            text, answer = f"{text}\n(A) {answer}\n(B) 7\n(C) 9\n", "A"
        elif kind == "true false":
            text, answer = f"{text} True or false: it is {answer}.", "True"
        elif kind == "proof":
            text, answer = f"{text} Prove that your claim holds.", "see text"
        elif kind == "unreadable":
            answer = "\\frac{"
        else:
            if len(earlier) < 200_000:
                earlier.append((text, answer))
            else:
                earlier[rng.randrange(len(earlier))] = (text, answer)
        yield kind, text, answer


def make(work: Path, num: int) -> dict[str, int]:
    """Write the sources; returns how many rows of each kind there are."""
    rng = random.Random(0)
    words = vocabulary(rng)
    held_out = {name: [problem(rng, words)[0] for _ in range(5000)] for name in ("evaluation", "validation")}
    for name, texts in held_out.items():
        (work / f"{name}.jsonl").write_text("".join(json.dumps({"prompt": text, "answer": "1"}) + "\n" for text in texts))
    counts: dict[str, int] = {}
    with (work / "raw.jsonl").open("w") as file:
        for kind, text, answer in rows(num, rng, words, held_out["evaluation"], held_out["validation"]):
            counts[kind] = counts.get(kind, 0) + 1
            file.write(json.dumps({"question": text, "answer": answer, "planted": kind}) + "\n")
    (work / "spec.toml").write_text(f'sources = ["raw.jsonl"]\noutput = "curated.jsonl"\n{FILTERS}')
    return counts


def curate(work: Path) -> dict[str, Any]:
    """Run the command once; its own figures and those of the operating system."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "proctor.cli.main", "curate", "spec.toml", "--json"], cwd=work, check=True, stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "report": json.loads(done.stdout),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_memory_bytes": after.ru_maxrss * 1024,
    }


def left_over(work: Path) -> dict[str, int]:
    """How many rows of each planted kind are in the output."""
    counts: dict[str, int] = {}
    with (work / "curated.jsonl").open() as file:
        for line in file:
            kind = json.loads(line)["planted"]
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, default=Path("runs/curation"))
    parser.add_argument("--out", type=Path, default=DOCS / "results" / "curation.json")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    planted = make(options.work, options.rows)
    first, load = curate(options.work), os.getloadavg()
    again = curate(options.work)
    report = first.pop("report")
    del again["report"]
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    result = {
        "machine": f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores",
        "load_average_after": [round(value, 1) for value in load],
        "num_rows": options.rows,
        "size_bytes": (options.work / "raw.jsonl").stat().st_size,
        "first": first,
        "again": again,
        "stages": [{name: stage[name] for name in ("kind", "num_in", "num_out", "removed", "seconds")} for stage in report["stages"]],
        "planted": planted,
        "left_over": left_over(options.work),
    }
    write_json(options.out, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
