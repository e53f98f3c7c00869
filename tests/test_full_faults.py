"""Faults at random moments: a run killed again and again ends with the bits of one that was left in peace."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.training.test_run import assert_same_run, start

pytestmark = pytest.mark.full


def finish(path: Path, *options: str) -> None:
    """Run to the end."""
    process = start(path, *options)
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.mark.timeout(900)
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path) -> None:
    began = time.monotonic()
    finish(tmp_path / "straight")
    duration, path, moments = time.monotonic() - began, tmp_path / "killed", random.Random(0)
    for _ in range(8):
        process = start(path, "--resume")
        time.sleep(moments.uniform(0.3, 1.0) * duration)
        process.kill()
        process.communicate()
    finish(path, "--resume")
    assert_same_run(tmp_path / "straight", path)
