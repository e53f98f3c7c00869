"""PPO on Gymnasium's control tasks, driven by the very functions that train language models.

A wrong sign or a shifted index in `objective` can hide behind a language model's noise. On CartPole, Acrobot and the MuJoCo
walkers the returns of a right PPO are published, so the core is shown right where ground truth is known: advantages, clipped
losses, whitening, logprobs of discrete actions and diagnostics all come from `objective`; only networks, environments and the
order of events live here. Needs `pip install 'proctor[control]'`. Not a general library of agents: one algorithm, flat
observations, discrete or bounded continuous actions.
"""

from proctor.lab.control.config import ControlConfig, Normalization, continuous, discrete
from proctor.lab.control.environments import gymnasium_maker
from proctor.lab.control.loop import Progress, train

__all__ = ["ControlConfig", "Normalization", "Progress", "continuous", "discrete", "gymnasium_maker", "train"]
