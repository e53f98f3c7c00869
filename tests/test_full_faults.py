"""Faults at random moments: a run killed again and again ends with the bits of one that was left in peace."""

from __future__ import annotations

import json
import random
import string
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


# About a token in four ends a completion, so that rollouts of every length are in flight.
PARTIAL = ("--set", "rollout.partial_tokens=3", "--set", f"engine.stop={json.dumps(list(string.ascii_letters + string.digits))}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", [(), PARTIAL], ids=["whole rollouts", "partial rollouts"])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path, options: tuple[str, ...]) -> None:
    began = time.monotonic()
    finish(tmp_path / "straight", *options)
    duration, path, moments = time.monotonic() - began, tmp_path / "killed", random.Random(0)
    for _ in range(8):
        process = start(path, "--resume", *options)
        time.sleep(moments.uniform(0.3, 1.0) * duration)
        process.kill()
        process.communicate()
    finish(path, "--resume", *options)
    assert_same_run(tmp_path / "straight", path)
