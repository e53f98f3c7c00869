"""Two ranks that share a sharded model make the very update that one process makes, for every preset."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from proctor.algorithms.presets import ALIASES
from tests.learner.presets import make_learner, moved, prepared
from tests.learner.ranks import CONFIG

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def of_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    out = tmp_path_factory.mktemp("ranks") / "weights.pt"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "tests/learner/ranks.py", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(out, weights_only=True)


@pytest.mark.parametrize("name", ALIASES)
def test_two_ranks_are_one(name: str, of_two_ranks: dict[str, torch.Tensor]) -> None:
    learner = make_learner(name, CONFIG)
    before = torch.cat([tensor.detach().flatten() for tensor in moved(learner)])
    learner.update(prepared(learner), step=0)
    expected = torch.cat([tensor.detach().flatten() for tensor in moved(learner)])
    assert float((of_two_ranks[name] - expected).norm() / (expected - before).norm()) < 1e-5
