"""What a curation asks for that the data room cannot make: verifiers in their workers, and a model that tries tasks. No torch until one is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any

from proctor.data.curation import CurationSpec, Outside
from proctor.verifiers.names import make_verifier
from proctor.verifiers.rewards import Rewards, as_part

if TYPE_CHECKING:
    from proctor.data.curation.base import Solver


def outside(spec: CurationSpec, stack: ExitStack, progress: Callable[[str], None]) -> Outside:
    """Openers for a curation. The model is loaded once, when a filter first asks it; what it holds is closed with the stack."""

    @cache
    def solver() -> Solver:
        from proctor.training.solver import LocalSolver

        assert spec.model is not None
        assert spec.verifier is not None
        opened = LocalSolver(spec.model, spec.verifier, seed=spec.seed)
        stack.callback(opened.close)
        return opened

    return Outside(_rewards, solver, progress)


def _rewards(verifier: str, arguments: Mapping[str, Any]) -> Rewards:
    return Rewards([as_part(make_verifier(verifier, arguments), name=verifier.rpartition(":")[2])])
