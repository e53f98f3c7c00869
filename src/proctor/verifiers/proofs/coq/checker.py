"""Coq proofs as a reward.

Three sources, two of them the checker's own. `Goal.v` states what is to be proved, from the task alone. `Candidate.v`
is the task's statement with the model's proof, compiled in a sandbox. `Check.v` takes the statement from the first and
claims that the second proves it. In a second sandbox, which holds the compiled files only, `coqchk` checks the candidate, the
kernel compares the types by compiling `Check.v`, and `coqchk` checks all three: only its summary decides.

Trusted: the Coq kernel, `coqchk`, the installed standard library (its compiled files are not re-checked), the sandbox, and
the task's own texts. Not trusted: what the candidate printed, its exit status, its notations, options and names.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache

from proctor.core.task import Task
from proctor.errors import ConfigError, SandboxError
from proctor.sandbox.base import Limits
from proctor.verifiers.proofs.base import ProofReport, ProofVerifier, optional_text, required_text
from proctor.verifiers.proofs.coq.summary import foundations, read_assumptions, read_summary
from proctor.verifiers.proofs.tools import SANDBOX, TOOL_LIMITS, ToolResult, ToolRun, Tools, refusal

NUM_KEPT_GOALS = 256
NUM_RUNS = 2
MARGIN_S = 10.0
PATHS = "-Q trusted ProctorTrusted -Q untrusted ProctorUntrusted -Q check ProctorCheck"
# Coq's plug-in loader wants its configuration, which no sandbox needs to show it: the libraries are found by Coq itself.
LOADER = {"findlib.conf": b'path="/usr/lib/ocaml"\ndestdir="/usr/lib/ocaml"\n'}
COQ = "export OCAMLFIND_CONF=findlib.conf\nmkdir -p trusted untrusted check\n"
COMPILE = COQ + f"exec coqc -q -noglob {PATHS} "
GOAL = "{imports}\n{definitions}\nDefinition statement : Prop := ({statement}).\n"
CANDIDATE = "{imports}\nRequire Import ProctorTrusted.Goal.\nTheorem candidate : ({statement}).\nProof.\n{proof}\nQed.\n"
# Options that a candidate set globally take effect where it is required, hence the expected type before and the checks on again after.
CHECK = b"""Require ProctorTrusted.Goal.
Definition expected : Prop := ProctorTrusted.Goal.statement.
Require ProctorUntrusted.Candidate.
Set Universe Checking. Set Guard Checking. Set Positivity Checking.
Definition checked : expected := ProctorUntrusted.Candidate.candidate.
Print Assumptions checked.
"""
AUDIT = f"""{COQ}set -e
coqchk -silent -o {PATHS} -norec ProctorTrusted.Goal -norec ProctorUntrusted.Candidate > candidate.txt 2>&1
coqc -q -noglob {PATHS} check/Check.v > assumptions.txt
coqchk -silent -o {PATHS} -norec ProctorTrusted.Goal -norec ProctorUntrusted.Candidate -norec ProctorCheck.Check > final.txt 2>&1
"""
_PROOF_KEYWORD = re.compile(r"\A\s*Proof\s*\.\s")
_QED_KEYWORD = re.compile(r"(?:\A|(?<=\s))(?:Qed|Defined)\s*\.\s*\Z")


@dataclass(frozen=True, slots=True)
class CoqChecker:
    """Checks a Coq proof of `info["statement"]`.

    A task's `info` holds: `statement`, a term of type Prop; `imports`, optional, vernacular that both files begin with
    (Require Import, Open Scope); `definitions`, optional, vernacular that the statement needs, axioms of its theory
    included. The model writes what stands between `Proof.` and `Qed.`.

    Its report names the axioms of the library that the theorem rests on.

    Attributes:
        allowed_axioms: full names, such as "Coq.Logic.Classical_Prop.classic".
        limits: of each of the two runs that see the candidate.
        tools: the sandbox.
    """

    allowed_axioms: tuple[str, ...] = ()
    limits: Limits = TOOL_LIMITS
    tools: Tools = SANDBOX

    @property
    def languages(self) -> tuple[str, ...]:
        return ("coq", "rocq")

    @property
    def max_wall_s(self) -> float:
        return TOOL_LIMITS.wall_s + NUM_RUNS * self.limits.wall_s + MARGIN_S

    def require_statement(self, task: Task) -> None:
        """Compile the statement.

        Raises:
            TaskError: Coq refuses it.
            SandboxError: as for `check`.
        """
        _compiled_goal(_goal_source(task), self.tools)

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one proof.

        Raises:
            TaskError: Coq refuses the statement.
            SandboxError: the sandbox cannot run Coq.
        """
        start = time.perf_counter()
        goal = _compiled_goal(_goal_source(task), self.tools)
        axioms, reason = self._judge(goal, _candidate_source(proof, task))
        return ProofReport(not reason, reason, axioms, time.perf_counter() - start)

    def _judge(self, goal: bytes, candidate: str) -> tuple[tuple[str, ...], str]:
        """Return axioms, and why the candidate is not accepted; empty if it is."""
        files = LOADER | {"trusted/Goal.vo": goal, "untrusted/Candidate.v": candidate.encode()}
        built = self.tools.run(ToolRun(("sh", "-c", COMPILE + "untrusted/Candidate.v"), files, ("untrusted/Candidate.vo",)), self.limits)
        compiled = built.outputs.get("untrusted/Candidate.vo")
        if compiled is None or not built.is_success:
            return (), f"it does not compile: {built.complaint()}"
        files = LOADER | {"trusted/Goal.vo": goal, "untrusted/Candidate.vo": compiled, "check/Check.v": CHECK}
        return self._foundations(self.tools.run(ToolRun(("sh", "-c", AUDIT), files, ("candidate.txt", "assumptions.txt", "final.txt")), self.limits))

    def _foundations(self, audit: ToolResult) -> tuple[tuple[str, ...], str]:
        texts = {name: content.decode("utf-8", "replace") for name, content in audit.outputs.items()}
        if not audit.is_success:
            if "assumptions.txt" not in texts:
                return (), f"coqchk refuses it: {audit.reason or ' '.join(texts.get('candidate.txt', '').split())[-300:]}"
            return (), f"it does not prove the statement: {audit.complaint()}"
        assumptions = read_assumptions(texts.get("assumptions.txt", ""))
        if assumptions is None:
            return (), "what it rests on could not be read"
        for name in ("candidate.txt", "final.txt"):
            summary = read_summary(texts.get(name, ""))
            allowed = frozenset((*self.allowed_axioms, *(one for one in summary.axioms if one.startswith("ProctorTrusted.Goal."))))
            axioms, objection = foundations(summary, assumptions, allowed)
            if objection:
                return axioms, objection
        return axioms, ""


def coq_verifier(allowed_axioms: tuple[str, ...] = (), timeout_s: float = TOOL_LIMITS.wall_s) -> ProofVerifier:
    """Return the verifier of Coq proofs.

    Raises:
        ConfigError: Coq is not installed.
    """
    if missing := [name for name in ("coqc", "coqchk") if shutil.which(name, path="/usr/bin:/bin") is None]:
        raise ConfigError(f"Coq proofs need {' and '.join(missing)} in /usr/bin: install the package coq")
    limits = Limits(timeout_s, memory_bytes=TOOL_LIMITS.memory_bytes, file_bytes=TOOL_LIMITS.file_bytes)
    return ProofVerifier(CoqChecker(tuple(allowed_axioms), limits))


def _goal_source(task: Task) -> str:
    return GOAL.format(
        imports=optional_text(task.info, "imports"), definitions=optional_text(task.info, "definitions"), statement=required_text(task, "statement")
    )


def _candidate_source(proof: str, task: Task) -> str:
    body = _QED_KEYWORD.sub("", _PROOF_KEYWORD.sub("", proof + "\n"))
    return CANDIDATE.format(imports=optional_text(task.info, "imports"), statement=required_text(task, "statement"), proof=body)


@lru_cache(maxsize=NUM_KEPT_GOALS)
def _compiled_goal(source: str, tools: Tools) -> bytes:
    files = LOADER | {"trusted/Goal.v": source.encode()}
    built = tools.run(ToolRun(("sh", "-c", COMPILE + "trusted/Goal.v"), files, ("trusted/Goal.vo",)), TOOL_LIMITS)
    if built.exit_code == 127:
        raise SandboxError(f"the sandbox has no coqc: {built.complaint()}")
    compiled = built.outputs.get("trusted/Goal.vo")
    if compiled is None or not built.is_success:
        raise refusal(built, "the statement of the Coq task")
    return compiled
