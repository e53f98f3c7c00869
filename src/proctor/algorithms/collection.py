"""Where rollouts come from and what is done with them before credit is given. Plain records, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proctor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class OnPolicy:
    """Rollouts of the policy as it is at each step."""

    kind: Literal["on_policy"] = "on_policy"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rollouts of a frozen copy of the policy.

    Attributes:
        refresh_every: steps after which the copy becomes the policy as it is then; 0 keeps the first one for ever (RFT).
        restarts_from_base: at each refresh the trained policy goes back to the weights of step 0 (STaR, ReST-EM).
    """

    refresh_every: int
    restarts_from_base: bool = False
    kind: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Demonstrations:
    """No sampling: the task's own demonstration, or the completion that its verifier declares to be right."""

    kind: Literal["demonstrations"] = "demonstrations"


Source = OnPolicy | Snapshot | Demonstrations


@dataclass(frozen=True, slots=True)
class SoftOverlong:
    """A penalty that grows from 0 to -1 over the last `cache_tokens` before the limit (Yu et al. 2025, DAPO, eq. 13)."""

    cache_tokens: int
    weight: float = 1.0
    kind: Literal["soft_overlong"] = "soft_overlong"


@dataclass(frozen=True, slots=True)
class KimiLength:
    """The length reward of Kimi k1.5 (section 2.3.3), from `start_step` on."""

    weight: float
    start_step: int = 0
    kind: Literal["kimi_length"] = "kimi_length"


@dataclass(frozen=True, slots=True)
class MissingEOS:
    """A truncated completion earns this reward whatever it says (the EOS trick of RLHF)."""

    reward: float = -1.0
    kind: Literal["missing_eos"] = "missing_eos"


@dataclass(frozen=True, slots=True)
class CosineLength:
    """The cosine reward of Yeo et al. 2025 (2502.03373), over the limit of a completion. Its amounts are rewards of their own, correctness included.

    Attributes:
        correct_short: r_0 of correct rollouts, at length 0.
        correct_long: r_L of correct rollouts, at the limit.
        wrong_short: r_0 of wrong rollouts.
        wrong_long: r_L of wrong rollouts.
        exceeded: r_e, of rollouts that reach the limit.
        weight: of the amount, which is added to the reward; give the accuracy part the weight 0 beside it.
    """

    correct_short: float
    correct_long: float
    wrong_short: float
    wrong_long: float
    exceeded: float
    weight: float = 1.0
    kind: Literal["cosine_length"] = "cosine_length"

    def __post_init__(self) -> None:
        if not (self.correct_short > self.wrong_short and self.correct_long > self.wrong_long):
            raise ConfigError("cosine_length: a correct rollout must earn more than a wrong one of the same length, at both ends")


Shaping = SoftOverlong | KimiLength | CosineLength | MissingEOS


@dataclass(frozen=True, slots=True)
class Collection:
    """What is done with rollouts between sampling and credit.

    Attributes:
        shaping: added to rewards, in order.
        max_refills: rounds in which unanimous groups are replaced by those of further tasks (DAPO's dynamic sampling); what is
            still missing then is left out.
        drops_truncated: truncated rollouts have advantage 0 (DAPO's overlong filtering); they still count in denominators.
        rationalises: a task that no rollout solved is tried again with its answer as a hint, which training then does not show (STaR).
    """

    shaping: tuple[Shaping, ...] = ()
    max_refills: int = 0
    drops_truncated: bool = False
    rationalises: bool = False
