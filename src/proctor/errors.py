"""The error tree. Every error that reaches a user names the boundary where it arose and says what to do.

An error class per room, because *who is to blame* decides what happens next: a `ConfigError` stops before any work,
a `VerifierError` stops a run, an error caused by a model's own completion is never an exception at all (see
`proctor.core.task.Outcome`). All classes pickle, so they cross process boundaries unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProctorError(Exception):
    """Base of every error that Proctor raises on purpose. The message is complete: it needs no traceback."""

    exit_code = 1


class ConfigError(ProctorError, ValueError):
    """What the user asked for is not possible or not allowed. Raised before any work starts."""

    exit_code = 2


class TaskError(ProctorError):
    """A data source or one of its tasks is malformed: missing file, torn row, gold answer that does not verify."""


class VerifierError(ProctorError):
    """A verifier or reward function broke its contract (wrong number of values, not a number, failed on every task)."""


class SandboxError(ProctorError):
    """A worker process could not be started, reached or replaced."""


class EngineError(ProctorError):
    """Sampling failed: a model that cannot be decoded, a prompt longer than the context."""


class RolloutError(ProctorError):
    """An episode could not be completed for a reason that its completion did not cause."""


class LearnerError(ProctorError):
    """Training broke: a loss that is not finite, sampler and trainer that disagree, a checkpoint that cannot be read."""


class AlarmError(ProctorError):
    """A canary was paid or a tripwire gave way, and the configuration says that this ends the run. The state is saved."""


@contextmanager
def boundary(error: type[ProctorError], doing: str) -> Iterator[None]:
    """Attribute any foreign exception raised inside to the room that was entered.

    Proctor's own errors pass through unchanged: the innermost boundary knows best.

    Args:
        error: the class to raise instead of a foreign exception.
        doing: what was being attempted, as in "run tests for task 17".

    Raises:
        ProctorError: `error`, with the foreign exception as its cause.
    """
    try:
        yield
    except ProctorError:
        raise
    except Exception as cause:
        raise error(f"could not {doing}: {type(cause).__name__}: {cause}") from cause
