"""A short run of the fuzzer, where atheris is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.full
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_fuzzed_answers(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(Path(__file__).with_name("fuzz_mathematics.py")),
        "-runs=20000",
        "-max_len=200",
        "-seed=1",
        "-max_total_time=120",
        "-rss_limit_mb=0",
        str(tmp_path),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr[-2000:]
