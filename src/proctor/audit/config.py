"""What a run watches for while it trains, and what an alarm leads to."""

from __future__ import annotations

from dataclasses import dataclass, field

from proctor.audit.tripwires import Action, ErrorRate, LengthChange, NotFinite, RewardJump, ShortAndPaid, Tripwire, Unanimous
from proctor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """Canaries and tripwires of a run. Neither changes what is trained: the weights are those of the run without them.

    Attributes:
        canary_rate: impossible twins a task, in [0, 1]; 0.02 puts one into every fiftieth task. 0 mixes none in.
        on_canary: what follows where one is paid.
        reward_jump: see `RewardJump`, and so on; each has an `action`: "off", "warn" or "stop".
        short_and_paid: shorter completions that earn more.
        length_change: lengths that collapse or explode.
        error_rate: rollouts that could not be scored, and checks that were killed.
        unanimous: groups that all earn the same.
        not_finite: a reward that is no number.
    """

    canary_rate: float = 0.0
    on_canary: Action = "warn"
    reward_jump: RewardJump = field(default_factory=RewardJump)
    short_and_paid: ShortAndPaid = field(default_factory=ShortAndPaid)
    length_change: LengthChange = field(default_factory=LengthChange)
    error_rate: ErrorRate = field(default_factory=ErrorRate)
    unanimous: Unanimous = field(default_factory=Unanimous)
    not_finite: NotFinite = field(default_factory=NotFinite)

    def __post_init__(self) -> None:
        if not 0 <= self.canary_rate <= 1:
            raise ConfigError(f"audit.canary_rate must be between 0 and 1, not {self.canary_rate}")

    @property
    def tripwires(self) -> tuple[Tripwire, ...]:
        """Those that are on, in a fixed order."""
        wires = (self.reward_jump, self.short_and_paid, self.length_change, self.error_rate, self.unanimous, self.not_finite)
        return tuple(wire for wire in wires if wire.action != "off")
