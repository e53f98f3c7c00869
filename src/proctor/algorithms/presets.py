"""Published algorithms by name. Each is one function that returns one value; a variant is another argument."""

from __future__ import annotations

from proctor.algorithms.actor_critic import ppo, ppo_rlhf, vapo
from proctor.algorithms.group_relative import (
    cispo,
    cispo_clamped,
    dapo,
    dppo,
    dr_grpo,
    dual_clip,
    gdpo,
    gmpo,
    grpo,
    grpo_process,
    gspo,
    gspo_token,
    kimi_k15,
    lite_ppo,
    opo,
    pass_at_k,
    reinforce,
    reinforce_pp,
    reinforce_pp_baseline,
    remax,
    rloo,
    sapo,
    scale_rl,
    two_sided_clip,
)
from proctor.algorithms.imitation import (
    dpo,
    dpo_length_normalized,
    ipo,
    on_policy_distillation,
    online_rft,
    raft,
    rest_em,
    reward_model,
    rft,
    sft,
    simpo,
    star,
)

_FUNCTIONS = (
    *(reinforce, rloo, remax, reinforce_pp, reinforce_pp_baseline, opo),
    *(grpo, grpo_process, dr_grpo, lite_ppo, dapo, gspo, gspo_token, gmpo, cispo, cispo_clamped, sapo, dppo, dual_clip, two_sided_clip),
    *(pass_at_k, gdpo, scale_rl, kimi_k15),
    *(ppo, ppo_rlhf, vapo),
    *(sft, rft, online_rft, raft, rest_em, star),
    *(dpo, dpo_length_normalized, simpo, ipo, reward_model, on_policy_distillation),
)

ALIASES = {function.__name__: f"proctor.algorithms.presets:{function.__name__}" for function in _FUNCTIONS}
"""Every preset by the name that `algorithm` takes."""

__all__ = ["ALIASES", *ALIASES]  # pyright: ignore[reportUnsupportedDunderAll]
