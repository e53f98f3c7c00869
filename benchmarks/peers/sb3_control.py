"""PPO of stable-baselines3 on a control task, with the hyper-parameters of CleanRL: a reference that is not ours, on this machine and its versions.

    python -m venv sb3 && sb3/bin/pip install "torch==2.13.*" stable-baselines3==2.9.2 "gymnasium[mujoco]==1.4.0" mujoco==4.0.0
    sb3/bin/python benchmarks/peers/sb3_control.py Walker2d-v4 --seeds 1 2 3 --out runs/evidence/control

One file a seed, `sb3-ENVIRONMENT-seedN.json`, which `evidence/control.py --report-only` puts beside Proctor's. A run that is there is not repeated.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import torch
from control_runs import WINDOW, curve, mean, write
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between classic control and MuJoCo."""

    num_envs: int
    num_steps: int
    learning_rate: float
    segment_steps: int
    minibatch: int
    num_epochs: int
    entropy_coefficient: float


CLASSIC = Settings(4, 500_000, 2.5e-4, 128, 128, 4, 0.01)
MUJOCO = Settings(1, 1_000_000, 3e-4, 2048, 64, 10, 0.0)


class Returns(BaseCallback):
    """Keeps the raw return of every episode, and the step at which it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.returns: list[tuple[int, float]] = []

    def _on_step(self) -> bool:
        self.returns += [(self.num_timesteps, float(info["episode"]["r"])) for info in self.locals["infos"] if "episode" in info]
        return True


def train(environment: str, seed: int) -> dict[str, Any]:
    """One run, as `ppo.py` and `ppo_continuous_action.py` have their numbers. A limit of time is bootstrapped, as Proctor does and CleanRL does not.

    `vf_coef` is half of theirs, since stable-baselines3 leaves out the half in front of the squared error.
    """
    is_mujoco = not environment.startswith(("CartPole", "Acrobot"))
    settings = MUJOCO if is_mujoco else CLASSIC
    envs: Any = DummyVecEnv([lambda: Monitor(gymnasium.make(environment)) for _ in range(settings.num_envs)])
    if is_mujoco:
        envs = VecNormalize(envs, clip_obs=10.0, clip_reward=10.0, gamma=0.99)
    model = PPO(
        "MlpPolicy",
        envs,
        learning_rate=lambda remaining: settings.learning_rate * remaining,
        clip_range_vf=0.2,
        vf_coef=0.25,
        policy_kwargs={"net_arch": {"pi": [64, 64], "vf": [64, 64]}, "activation_fn": torch.nn.Tanh, "optimizer_kwargs": {"eps": 1e-5}},
        seed=seed,
        device="cpu",
        n_steps=settings.segment_steps,
        batch_size=settings.minibatch,
        n_epochs=settings.num_epochs,
        ent_coef=settings.entropy_coefficient,
    )
    segment = settings.num_envs * settings.segment_steps
    callback, cpu_s = Returns(), time.process_time()
    model.learn(settings.num_steps // segment * segment, callback=callback)
    returns = [value for _, value in callback.returns]
    return {
        "environment": environment,
        "seed": seed,
        "num_steps": model.num_timesteps,
        "num_episodes": len(returns),
        "last_100_mean": mean(returns[-WINDOW:]),
        "cpu_s": round(time.process_time() - cpu_s, 1),
        "machine": f"{os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("torch", "numpy", "gymnasium", "mujoco", "stable-baselines3")},
        "curve": curve(callback.returns, settings.num_steps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=Path("runs/evidence/control"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*is out of date", category=DeprecationWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        path = options.out / f"sb3-{options.environment}-seed{seed}.json"
        if not path.exists():
            found = train(options.environment, seed)
            write(path, found)
            print(f"{options.environment} seed {seed}: {found['last_100_mean']:.2f} in {found['cpu_s']:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
