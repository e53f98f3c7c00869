"""The configuration of a run: frozen records owned by the rooms they configure, read from TOML at this door.

records: what a run depends on -> objective: the preset that it names, and whether both fit -> reading: TOML, `--set` and plain values.
"""

from proctor.config.objective import build_objective, needs_pairs
from proctor.config.reading import from_mapping, parse_assignment, read_record, read_toml, to_mapping, with_assignments
from proctor.config.records import (
    GIVEN_IN_PYTHON,
    EngineConfig,
    EvaluationConfig,
    RewardConfig,
    RunConfig,
    ScoringConfig,
    TrackingConfig,
)

__all__ = [
    "GIVEN_IN_PYTHON",
    "EngineConfig",
    "EvaluationConfig",
    "RewardConfig",
    "RunConfig",
    "ScoringConfig",
    "TrackingConfig",
    "build_objective",
    "from_mapping",
    "needs_pairs",
    "parse_assignment",
    "read_record",
    "read_toml",
    "to_mapping",
    "with_assignments",
]
