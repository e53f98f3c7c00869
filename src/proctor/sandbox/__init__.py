"""Where functions that judge a model's output run: fresh interpreters that can be killed.

The room bounds time, memory and output, and tells one fault from another. It does not know what a reward is, and it
does not yet confine hostile programs (files, network).
"""

from proctor.sandbox.base import Counters, Fault, FaultKind, Limits, Result, Workers

__all__ = ["Counters", "Fault", "FaultKind", "Limits", "Result", "Workers"]
