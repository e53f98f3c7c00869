"""Chooses the strongest layer that this machine offers, after a self-test inside it; refuses rather than run on a weaker one.

Nothing is downgraded in silence: what may be used is said by the caller, and every execution records the layer that it ran in.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from proctor.errors import ConfigError, SandboxError
from proctor.sandbox.base import MEBIBYTE, ExecLimits, ExecStatus, Layer, PythonCall, Session
from proctor.sandbox.claims import Malformed, Raised, Returned, decode_claim
from proctor.sandbox.container import ContainerSandbox
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.probes import CORRECT, CORRECT_RESULT, PROBES, Probe, Scene, scene

Requirement = Literal["namespace", "landlock", "any"]
"""The weakest layer that may run untrusted programs. "any" includes a mere process with resource limits."""

ALLOWED: dict[Requirement, tuple[Layer, ...]] = {
    "namespace": (Layer.NAMESPACE,),
    "landlock": (Layer.NAMESPACE, Layer.LANDLOCK),
    "any": (Layer.NAMESPACE, Layer.LANDLOCK, Layer.PLAIN),
}
TEST_LIMITS = ExecLimits(wall_s=20, cpu_s=10, memory_bytes=256 * MEBIBYTE, num_processes=16)
ADVICE = (
    "Install bubblewrap (apt install bubblewrap) and allow user namespaces (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; in Docker: "
    "a seccomp profile that allows unshare), or use a kernel with Landlock (6.2 or later), or a container or remote sandbox. To run untrusted programs "
    'without isolation all the same, say require="any".'
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one probe.

    Attributes:
        name: what was attempted.
        is_denied: whether it failed, as it must.
        detail: what it got, or why nothing can be said; empty where it was denied.
    """

    name: str
    is_denied: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Whether a layer holds on this machine.

    Attributes:
        layer: which.
        problem: why it cannot be used at all, or why a correct program does not pass; empty where one does.
        attempts: the probes; empty where it cannot be used.
    """

    layer: Layer
    problem: str
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether correct programs pass; for PLAIN that is all there is."""
        return not self.problem

    @property
    def is_sound(self) -> bool:
        """Whether correct programs pass and every escape failed."""
        return not self.problem and bool(self.attempts) and all(attempt.is_denied for attempt in self.attempts)

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.problem:
            return self.problem
        allowed = [attempt.name for attempt in self.attempts if not attempt.is_denied]
        return f"a program can: {', '.join(allowed)}" if allowed else f"{len(self.attempts)} escape attempts denied"


def self_test(sandbox: LocalSandbox | ContainerSandbox) -> SelfTest:
    """Run the correct program and every probe inside a sandbox.

    Raises:
        SandboxError: the engine of a container is not installed.
    """
    if sys.platform != "linux":
        return SelfTest(sandbox.layer, "the sandboxes of this machine need Linux; name a container or remote sandbox")
    sandbox = replace(sandbox, limits=TEST_LIMITS)
    further, has_own_kernel = (sandbox.further_processes, sandbox.has_own_kernel) if isinstance(sandbox, ContainerSandbox) else (0, False)
    probes = [probe for probe in PROBES if not (probe.is_of_kernel and has_own_kernel)]
    with scene(TEST_LIMITS.memory_bytes, TEST_LIMITS.num_processes + further) as stage, sandbox.session() as session:
        result = session.run(PythonCall(CORRECT, "attempt", (stage.facts,)))
        if decode_claim(result.claim, result.nonce) != Returned(CORRECT_RESULT):
            said = result.reason or result.stderr.decode("utf-8", "replace").strip()[-200:] or f"ended with {result.status}"
            return SelfTest(sandbox.layer, f"a correct program does not pass: {said}" if result.status is not ExecStatus.UNAVAILABLE else said)
        return SelfTest(sandbox.layer, "", tuple(_attempt(probe, session, stage, may_exit=has_own_kernel and probe.ends_gvisor) for probe in probes))


def _attempt(probe: Probe, session: Session, stage: Scene, *, may_exit: bool) -> Attempt:
    """What came of a probe. With `may_exit` a container that failed without a report was ended for it."""
    result = session.run(PythonCall(probe.source, "attempt", (stage.facts,)))
    if probe.effect(stage):
        return Attempt(probe.name, False, "its effect is seen outside")
    match decode_claim(result.claim, result.nonce):
        case Returned(None):
            return Attempt(probe.name, True)
        case Returned(value):
            return Attempt(probe.name, False, f"it got {str(value)[:100]}")
        case Raised(name):
            return Attempt(probe.name, False, f"unclear: it raised {name}")
        case Malformed() if result.status in (ExecStatus.SIGNALED, ExecStatus.LOST):
            return Attempt(probe.name, True)  # killed for it
        case Malformed() if may_exit and result.status is ExecStatus.EXITED and result.exit_code:
            return Attempt(probe.name, True)
        case Malformed(reason):
            return Attempt(probe.name, False, f"unclear: {reason}")


@cache
def cached_self_test(sandbox: LocalSandbox | ContainerSandbox) -> SelfTest:
    """Run the self-test of a sandbox once in this process."""
    return self_test(sandbox)


def open_sandbox(require: Requirement = "landlock", *, sandbox: LocalSandbox | None = None) -> LocalSandbox:
    """Return the strongest allowed sandbox of this machine whose self-test passes.

    Args:
        require: the weakest layer that may be used.
        sandbox: what programs may use and read; its layer is replaced.

    Raises:
        ConfigError: there is no such requirement.
        SandboxError: no allowed layer holds here; what each lacks, and what to do.
    """
    if require not in get_args(Requirement):
        raise ConfigError(f"there is no sandbox requirement {require!r}; allowed: {', '.join(get_args(Requirement))}")
    wanted = sandbox or LocalSandbox(Layer.NAMESPACE)
    failures: list[str] = []
    for layer in ALLOWED[require]:
        report = cached_self_test(replace(wanted, layer=layer, limits=TEST_LIMITS))
        if report.is_sound or (layer is Layer.PLAIN and report.is_usable):
            return replace(wanted, layer=layer)
        failures.append(f"{layer.value}: {report.summary}")
    raise SandboxError(f"untrusted programs are not run here ({platform.system()} {platform.release()}). " + "; ".join(failures) + f". {ADVICE}")


def checked_container(sandbox: ContainerSandbox) -> ContainerSandbox:
    """Return a container sandbox whose self-test passes; it is run once in a process.

    Raises:
        SandboxError: the engine is not installed or starts no container, or a program can do what it must not.
    """
    report = cached_self_test(replace(sandbox, limits=TEST_LIMITS))
    if not report.is_sound:
        raise SandboxError(f"untrusted programs are not run in {sandbox.engine} containers of {sandbox.image}: {report.summary}")
    return sandbox
