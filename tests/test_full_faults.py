"""Faults at random moments: a run killed again and again ends with the bits of one that was left in peace."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.training.test_run import assert_same_run, start

pytestmark = pytest.mark.full


@pytest.mark.timeout(900)
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path) -> None:
    straight = start(tmp_path / "straight")
    assert straight.wait() == 0
    path, moments = tmp_path / "killed", random.Random(0)
    began = time.monotonic()
    probe = start(tmp_path / "probe")
    assert probe.wait() == 0
    duration = time.monotonic() - began
    for _ in range(8):
        process = start(path, "--resume")
        time.sleep(moments.uniform(0.3, 1.0) * duration)
        process.kill()
        process.wait()
    process = start(path, "--resume")
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert_same_run(tmp_path / "straight", path)
