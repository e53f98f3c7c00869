"""Lean 4 proofs as a reward. See the package's docstring for what was not run.

The layers, in order: the model writes the proof body only; words that a proof has no need of are refused; the
body is attached to the task's statement and compiled in a sandbox under finite heartbeats and a wall clock; a trusted
metaprogram, in a process of its own that executes nothing of the submission, compares every constant of the compiled
challenge with the submission's, replays the submission through the kernel, and lists the axioms of the replayed theorem;
`leanchecker` replays it once more where the toolchain has it.

Trusted: Lean's kernel and its reader of compiled files, the imported libraries, the sandbox, the task's own texts.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files as package_files

from proctor.core.task import Task
from proctor.sandbox.base import MEBIBYTE, Limits
from proctor.verifiers.proofs.base import ProofReport, ProofVerifier, optional_text, required_text
from proctor.verifiers.proofs.lean.source import objections
from proctor.verifiers.proofs.lean.toolchain import Toolchain, find_toolchain
from proctor.verifiers.proofs.tools import SANDBOX, ToolResult, ToolRun, Tools, refusal

STANDARD_AXIOMS = ("propext", "Quot.sound", "Classical.choice")
MAX_HEARTBEATS = 200_000
LEAN_LIMITS = Limits(wall_s=120.0, memory_bytes=None, file_bytes=256 * MEBIBYTE)  # Lean maps its libraries: an address-space limit would stop it
NUM_KEPT_CHALLENGES = 256
NUM_RUNS = 3
MARGIN_S = 10.0
TARGET = "proctor_target"
SOURCE = "{header}\n\n{definitions}\n\ntheorem {target} {signature} := by\n{body}\n"
_FIRST_INDENT = re.compile(r"\A(?:[ \t]*\n)*")


@dataclass(frozen=True, slots=True)
class LeanChecker:
    """Checks a Lean proof of `info["signature"]`.

    A task's `info` holds: `signature`, hypotheses and type as they stand after a theorem's name:
    "(n : Nat) : n + 0 = n"; `header`, optional: imports and `open`; `definitions`, optional. The model writes what follows `by`.

    Its report names the axioms of the replayed theorem.

    Attributes:
        toolchain: from `find_toolchain`.
        allowed_axioms: names.
        limits: of each run that sees the submission.
        tools: the sandbox.
    """

    toolchain: Toolchain
    allowed_axioms: tuple[str, ...] = STANDARD_AXIOMS
    limits: Limits = LEAN_LIMITS
    tools: Tools = SANDBOX

    @property
    def languages(self) -> tuple[str, ...]:
        return ("lean", "lean4")

    @property
    def max_wall_s(self) -> float:
        return LEAN_LIMITS.wall_s + NUM_RUNS * self.limits.wall_s + MARGIN_S

    def require_statement(self, task: Task) -> None:
        """Compile the statement with a placeholder for its proof.

        Raises:
            TaskError: Lean refuses it.
            SandboxError: as for `check`.
        """
        _compiled_challenge(source_of(task, "  sorry"), self.toolchain, self.tools)

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one proof.

        Raises:
            TaskError: Lean refuses the statement.
            SandboxError: the sandbox cannot run Lean.
        """
        start = time.perf_counter()
        challenge = _compiled_challenge(source_of(task, "  sorry"), self.toolchain, self.tools)
        if found := objections(proof):
            return ProofReport(False, f"the proof contains {', '.join(found)[:300]}", (), time.perf_counter() - start)
        axioms, reason = self._judge(challenge, source_of(task, indented(proof)))
        return ProofReport(not reason, reason, axioms, time.perf_counter() - start)

    def _judge(self, challenge: bytes, source: str) -> tuple[tuple[str, ...], str]:
        """Return axioms, and why the submission is not accepted; empty if it is."""
        built = self.tools.run(compilation("Submission", source, self.toolchain), self.limits)
        compiled = built.outputs.get("Submission.olean")
        if compiled is None or not built.is_success:
            return (), f"it does not compile: {built.complaint()}"
        files = {"Challenge.olean": challenge, "Submission.olean": compiled, "audit.lean": _audit_source()}
        nonce = secrets.token_hex(16)
        command = ("--run", "audit.lean", "Challenge", "Submission", TARGET, nonce)
        axioms, reason = read_audit(self.tools.run(lean_run(self.toolchain, self.toolchain.lean, command, files), self.limits), nonce)
        if not reason and (foreign := [name for name in axioms if name not in self.allowed_axioms]):
            reason = f"it rests on {', '.join(foreign)[:200]}"
        if not reason and self.toolchain.leanchecker:
            files = {"Submission.olean": compiled}
            again = self.tools.run(lean_run(self.toolchain, self.toolchain.leanchecker, ("Submission",), files), self.limits)
            reason = "" if again.is_success else f"leanchecker refuses it: {again.complaint()}"
        return axioms, reason


def lean_verifier(project: str | None = None, timeout_s: float = LEAN_LIMITS.wall_s) -> ProofVerifier:
    """Return the verifier of Lean proofs.

    Args:
        project: directory of a built Lake project whose libraries statements import.
        timeout_s: wall clock of each of its runs.

    Raises:
        ConfigError: there is no toolchain.
    """
    limits = Limits(timeout_s, memory_bytes=LEAN_LIMITS.memory_bytes, file_bytes=LEAN_LIMITS.file_bytes)
    return ProofVerifier(LeanChecker(find_toolchain(project), limits=limits))


def source_of(task: Task, body: str) -> str:
    """Return the task's theorem with a proof body.

    Raises:
        TaskError: the task states nothing.
    """
    info = task.info
    return SOURCE.format(
        header=optional_text(info, "header"),
        definitions=optional_text(info, "definitions"),
        target=TARGET,
        signature=required_text(task, "signature"),
        body=body,
    )


def indented(proof: str) -> str:
    """Return a proof body with every line two columns deeper, as a block of tactics stands after `by`."""
    text = _FIRST_INDENT.sub("", proof.removeprefix(":= by").rstrip())
    return "\n".join("  " + line if line.strip() else "" for line in text.splitlines())


def compilation(module: str, source: str, toolchain: Toolchain) -> ToolRun:
    """Return the run that compiles a module."""
    options = (f"-DmaxHeartbeats={MAX_HEARTBEATS}", "-o", f"{module}.olean", f"{module}.lean")
    return lean_run(toolchain, toolchain.lean, options, {f"{module}.lean": source.encode()}, (f"{module}.olean",))


def lean_run(toolchain: Toolchain, program: str, arguments: tuple[str, ...], files: dict[str, bytes], outputs: tuple[str, ...] = ()) -> ToolRun:
    """Return a run of one of the toolchain's programs, which finds libraries and compiled files by LEAN_PATH."""
    path = ":".join((".", *toolchain.library))
    return ToolRun(
        ("env", f"LEAN_PATH={path}", f"LEAN_SYSROOT={toolchain.prefix}", program, *arguments), files, outputs, (toolchain.prefix, *toolchain.library)
    )


def read_audit(audit: ToolResult, nonce: str) -> tuple[tuple[str, ...], str]:
    """Read the one line of the trusted metaprogram: axioms, and why it objects; empty if it does not.

    Anything else than exactly its answer is an objection.
    """
    if not audit.is_success:
        return (), f"the audit refuses it: {audit.complaint()}"
    try:
        answer = json.loads(audit.stdout)
    except ValueError:
        return (), "the audit's answer is not understood"
    match answer:
        case {"nonce": str() as repeated, "findings": list() as findings, "axioms": list() as axioms} if len(answer) == 3 and repeated == nonce:
            return tuple(map(str, axioms)), "; ".join(map(str, findings))[:300]
        case _:
            return (), "the audit's answer is not understood"


@lru_cache(maxsize=NUM_KEPT_CHALLENGES)
def _compiled_challenge(source: str, toolchain: Toolchain, tools: Tools) -> bytes:
    built = tools.run(compilation("Challenge", source, toolchain), LEAN_LIMITS)
    compiled = built.outputs.get("Challenge.olean")
    if compiled is None or not built.is_success:
        raise refusal(built, "the statement of the Lean task")
    return compiled


def _audit_source() -> bytes:
    return (package_files("proctor.verifiers.proofs.lean") / "audit.lean").read_bytes()
