"""The same first steps on this version of a simulator: does the version move the returns?

    python evidence/control_simulators.py [Walker2d-v4] [--steps 4096] [--root runs/evidence/control]

Writes `simulator-ENVIRONMENT-mujoco-VERSION.json`; run in a second environment with another mujoco (`pip install mujoco==2.3.3 gymnasium==0.28.1 'numpy<2'`),
it writes a second file, and `evidence/control.py --report-only` compares the two.
"""

from __future__ import annotations

import argparse
import warnings
from importlib.metadata import version
from pathlib import Path

import torch
from common import write_json

from proctor.lab.control import continuous, gymnasium_maker, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", nargs="?", default="Walker2d-v4")
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/control"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*is out of date", category=DeprecationWarning)
    segments = train(gymnasium_maker(arguments.environment), continuous(), seed=1, num_steps=arguments.steps)
    returns = [float(value) for progress in segments for value in progress.episode_returns]
    write_json(
        arguments.root / f"simulator-{arguments.environment}-mujoco-{version('mujoco')}.json",
        {
            "environment": arguments.environment,
            "num_steps": arguments.steps,
            "versions": {name: version(name) for name in ("torch", "numpy", "gymnasium", "mujoco")},
            "episode_returns": returns,
        },
    )
    print(f"{arguments.environment}, mujoco {version('mujoco')}: {len(returns)} episodes, the last of {returns[-1]:.6f}")


if __name__ == "__main__":
    main()
