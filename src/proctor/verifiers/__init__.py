"""What decides whether a completion is right: verifiers, reward functions, and who is to blame when one fails.

Never imports torch: verifiers start in milliseconds in cheap processes (`proctor.sandbox`). Shaping, normalising and
weighting across a group belong to the objective, not here.
"""

from proctor.verifiers.base import RewardPart, ScoreRequest

__all__ = ["RewardPart", "ScoreRequest"]
