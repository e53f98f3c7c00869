"""CleanRL's own PPO on a control task, unmodified and on the versions that it pins: what its published code gives on this machine.

    python -m venv cleanrl
    cleanrl/bin/pip install "torch==2.13.*" "numpy<2" tensorboard gym==0.23.1 pygame gymnasium==0.28.1 mujoco==2.3.3
    pip download --no-deps --ignore-requires-python cleanrl==1.2.0 && unzip cleanrl-1.2.0-py3-none-any.whl -d cleanrl-1.2.0
    cleanrl/bin/python benchmarks/peers/cleanrl_control.py Acrobot-v1 --scripts cleanrl-1.2.0/cleanrl --seeds 1 2 3 --out runs/evidence/control

One file a seed, `cleanrl-ENVIRONMENT-seedN.json`, which `evidence/control.py --report-only` puts beside Proctor's. A run that is there is not repeated.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from control_runs import WINDOW, curve, mean, write

CLEANRL = "1.2.0"
EPISODE = re.compile(r"global_step=(\d+), episodic_return=\[?\s*([-+.\de]+)")


def train(scripts: Path, environment: str, seed: int) -> dict[str, Any]:
    """One run of the script as it is, with its own hyper-parameters; its episodes are read from what it prints."""
    is_mujoco = not environment.startswith(("CartPole", "Acrobot"))
    script, num_steps = ("ppo_continuous_action.py", 1_000_000) if is_mujoco else ("ppo.py", 500_000)
    command = [sys.executable, str((scripts / script).resolve()), "--env-id", environment, "--seed", str(seed), "--cuda", "False"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:  # it writes its logs where it stands
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    episodes = [(int(step), float(value)) for step, value in EPISODE.findall(done.stdout)]
    if done.returncode or not episodes:
        raise SystemExit(f"{script} ended with status {done.returncode} after {len(episodes)} episodes: {done.stderr.strip()[-500:]}")
    returns = [value for _, value in episodes]
    return {
        "environment": environment,
        "seed": seed,
        "num_steps": num_steps,
        "num_episodes": len(returns),
        "last_100_mean": mean(returns[-WINDOW:]),
        "wall_s": round(time.monotonic() - began, 1),
        "machine": f"{os.cpu_count()} cores",
        "versions": {"cleanrl": CLEANRL, **{name: version(name) for name in ("torch", "numpy", "gym", "gymnasium", "mujoco")}},
        "curve": curve(episodes, num_steps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment")
    parser.add_argument("--scripts", type=Path, required=True, help="the directory of CleanRL's ppo.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=Path("runs/evidence/control"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        path = options.out / f"cleanrl-{options.environment}-seed{seed}.json"
        if not path.exists():
            found = train(options.scripts, options.environment, seed)
            write(path, found)
            print(f"{options.environment} seed {seed}: {found['last_100_mean']:.2f} in {found['wall_s']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
