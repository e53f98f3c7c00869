"""Coq: good proofs pass, attacks do not, and its tools' words are read so that what is not understood counts against a proof."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import SandboxError, TaskError
from proctor.sandbox.base import MEBIBYTE, Limits
from proctor.verifiers.proofs.attacks import Attack
from proctor.verifiers.proofs.base import ProofVerifier
from proctor.verifiers.proofs.coq.attacks import ATTACKS, GOOD, STATEMENT
from proctor.verifiers.proofs.coq.checker import CoqChecker, coq_verifier
from proctor.verifiers.proofs.coq.summary import Summary, foundations, read_assumptions, read_summary
from proctor.verifiers.proofs.tools import SANDBOX, ToolResult, ToolRun

needs_coq = pytest.mark.skipif(shutil.which("coqchk") is None, reason="coq is not installed")
needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
LIMITS = Limits(wall_s=60.0, memory_bytes=4096 * MEBIBYTE, file_bytes=64 * MEBIBYTE)
TASK = Task("t", "Prove it.", answer=GOOD["tactics"], info={"statement": STATEMENT})
CLASSIC = "Coq.Logic.Classical_Prop.classic"
QUICK = ("tactics", "prints")
QUICK_ATTACKS = (
    "admitted",
    "axiom",
    "notation",
    "another statement",
    "guard off",
    "positivity off",
    "universes off for all",
    "library axiom",
    "says it is closed",
)

SUMMARY = """
CONTEXT SUMMARY
===============

* Theory: Set is predicative

* Axioms:
    A.b
    Coq.L.classic

* Constants/Inductives relying on type-in-type: <none>

* Constants/Inductives relying on unsafe (co)fixpoints: <none>

* Inductives whose positivity is assumed: <none>
"""


def _check(proof: str, *, allowed: tuple[str, ...] = (), info: Mapping[str, object] | None = None, wall_s: float = 60.0) -> tuple[bool, str, tuple[str, ...]]:
    limits = Limits(wall_s=wall_s, memory_bytes=LIMITS.memory_bytes, file_bytes=LIMITS.file_bytes)
    report = CoqChecker(allowed, limits).check(proof, Task("t", "", info=info or TASK.info))
    return report.accepted, report.reason, report.axioms


def test_a_summary_is_read() -> None:
    assert read_summary(SUMMARY) == Summary(("A.b", "Coq.L.classic"), ())
    assert read_summary("Warning: something\n" + SUMMARY.replace("Axioms:\n    A.b\n    Coq.L.classic", "Axioms: <none>")) == Summary((), ())


@pytest.mark.parametrize(
    ("old", "new", "objection"),
    [
        ("CONTEXT SUMMARY", "", "not understood"),
        ("Set is predicative", "Set is impredicative", "theory is changed"),
        ("type-in-type: <none>", "type-in-type:\n    A.c", "type-in-type: A.c"),
        ("(co)fixpoints: <none>", "(co)fixpoints:\n    A.loop", "fixpoints: A.loop"),
        ("assumed: <none>", "assumed:\n    A.bad", "assumed: A.bad"),
        ("assumed: <none>", "assumed: <none>\n    A.bad", "assumed: <none>, A.bad"),
        ("assumed: <none>", "assumed: <none>\n* More: <none>", "not understood"),
        ("* Axioms:", "* Axiome:", "not understood"),
        ("* Theory: Set is predicative", "", "not understood"),
        ("* Axioms:", "* Theory: Set is predicative\n* Axioms:", "twice"),
    ],
)
def test_a_summary_that_says_anything_else_is_an_objection(old: str, new: str, objection: str) -> None:
    assert old in SUMMARY
    assert objection in " ".join(read_summary(SUMMARY.replace(old, new)).objections)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Closed under the global context\n", ()),
        ("Axioms:\nC.classic : forall P : Prop,\n  P \\/ ~ P\nD.x\n  : nat\n", ("C.classic", "D.x")),
        ("Axioms:\nchecked relies on an unsafe hierarchy.", ("checked",)),
        ("Axioms:\n", None),
        ("", None),
        ("Closed under the global context\nAxioms:\nx : nat", None),
        ("Section Variables:\nx : nat", None),
    ],
)
def test_assumptions_are_read(text: str, names: tuple[str, ...] | None) -> None:
    assert read_assumptions(text) == names


def test_foundations() -> None:
    summary = Summary(("Coq.L.classic", "Coq.M.sealed"), ())
    assert foundations(summary, (), frozenset()) == ((), "")
    assert foundations(summary, ("L.classic",), frozenset({"Coq.L.classic"})) == (("Coq.L.classic",), "")
    assert "rests on L.classic" in foundations(summary, ("L.classic",), frozenset())[1]
    assert "rests on classic" in foundations(summary, ("classic",), frozenset({"Coq.M.sealed"}))[1]
    assert "rests on x" in foundations(summary, ("x",), frozenset({"Coq.L.classic"}))[1]
    assert "adds axioms: U.classic" in foundations(Summary(("U.classic",), ()), ("classic",), frozenset({"Coq.L.classic"}))[1]
    two = Summary(("Coq.L.classic", "Coq.X.L.classic"), ())
    assert foundations(two, ("L.classic",), frozenset({"Coq.L.classic"}))[1]  # which of the two is meant is not known
    assert foundations(Summary((), ("bad",)), (), frozenset())[1] == "bad"


@needs_coq
@needs_bubblewrap
@pytest.mark.parametrize("name", QUICK)
def test_good_proofs_are_accepted(name: str) -> None:
    assert _check(GOOD[name]) == (True, "", ())


@needs_coq
@needs_bubblewrap
@pytest.mark.parametrize("name", QUICK_ATTACKS)
def test_attacks_that_coqc_accepts_are_refused(name: str) -> None:
    (attack,) = (one for one in ATTACKS if one.name == name)
    accepted, reason, _ = _check(attack.proof)
    assert not accepted
    assert "compile" not in reason  # coqc found nothing wrong with it


@needs_coq
@needs_bubblewrap
@pytest.mark.full
@pytest.mark.parametrize("name", sorted(set(GOOD) - set(QUICK)))
def test_further_good_proofs_are_accepted(name: str) -> None:
    assert _check(GOOD[name]) == (True, "", ())


@needs_coq
@needs_bubblewrap
@pytest.mark.full
@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.name not in QUICK_ATTACKS], ids=lambda one: one.name)
def test_further_attacks_are_refused(attack: Attack) -> None:
    proof = attack.proof
    accepted, reason, _ = _check(proof, wall_s=10.0)
    assert not accepted and reason
    assert not list(Path("/tmp").glob("proctor-escape*"))


@needs_coq
@needs_bubblewrap
def test_axioms_of_the_library_are_allowed_by_name() -> None:
    info = {"statement": "forall P : Prop, P \\/ ~ P", "imports": "Require Import Classical."}
    assert _check("exact classic.", allowed=(CLASSIC,), info=info) == (True, "", (CLASSIC,))
    accepted, reason, _ = _check("exact classic.", allowed=("Coq.Logic.FunctionalExtensionality.functional_extensionality_dep",), info=info)
    assert (accepted, "Classical_Prop.classic, which is not among" in reason) == (False, True)


@needs_coq
@needs_bubblewrap
def test_definitions_and_axioms_of_the_task_are_its_theory() -> None:
    info = {"statement": "forall x, f (f x) = x", "definitions": "Parameter f : nat -> nat.\nAxiom f_f : forall x, f (f x) = x."}
    accepted, reason, axioms = _check("exact f_f.", info=info)
    assert (accepted, reason) == (True, "")
    assert axioms == ("ProctorTrusted.Goal.f_f",)
    assert not _check("Abort. Axiom f_f : forall x, f (f x) = x. Theorem candidate : (forall x, f (f x) = x). exact f_f.", info=info)[0]


@needs_coq
@needs_bubblewrap
def test_as_a_reward() -> None:
    verify = coq_verifier()
    assert verify(str(verify.gold(TASK)), TASK).outcome is Outcome.CORRECT
    assert verify("```coq\nreflexivity.\n```", TASK).outcome is Outcome.INCORRECT
    with pytest.raises(TaskError, match="statement of the Coq task is refused"):
        verify.gold(Task("bad", "", info={"statement": "forall n, n +"}))
    with pytest.raises(TaskError):
        verify("```coq\nx\n```", Task("bad", "", info={"statement": "nat"}))  # no proposition


@needs_coq
@needs_bubblewrap
def test_a_proof_that_takes_too_long_is_held_against_it() -> None:
    accepted, reason, _ = _check("repeat (assert True by exact I).", wall_s=2.0)
    assert (accepted, reason) == (False, "it does not compile: it took longer than 2 s")


class Gone:
    """A sandbox that cannot start anything."""

    def run(self, job: ToolRun, limits: Limits) -> ToolResult:
        raise SandboxError("no namespaces here")


def test_a_sandbox_that_fails_is_an_error_and_no_verdict() -> None:
    score = ProofVerifier(CoqChecker(tools=Gone()))("```coq\nauto.\n```", TASK)
    assert (score.outcome, score.value, score.reason) == (Outcome.ERROR, None, "no namespaces here")


@needs_bubblewrap
def test_the_sandbox_shows_the_work_directory_and_system_programs_only(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    script = f"cat {secret}; cat /etc/hostname; ls /home; echo $SECRET; id -u; cat < given; echo left > left; ln -s /etc/passwd link; touch /usr/x; ls /proc"
    found = SANDBOX.run(ToolRun(("sh", "-c", script), {"given": b"given\n"}, ("left", "link", "none")), LIMITS)
    lines = found.stdout.split()
    assert int(lines[0]) > 1000 and lines[1] == "given"
    assert "key" not in lines
    assert len([line for line in lines if line.isdigit()]) < 8  # processes: its own
    assert dict(found.outputs) == {"left": b"left\n"}
    assert "Read-only" in found.stderr


@needs_bubblewrap
def test_the_sandbox_holds_its_limits() -> None:
    small = Limits(wall_s=1.0, memory_bytes=256 * MEBIBYTE, file_bytes=MEBIBYTE)
    assert SANDBOX.run(ToolRun(("sleep", "60"), {}), small).reason == "it took longer than 1 s"
    flood = SANDBOX.run(ToolRun(("sh", "-c", "exec yes"), {}), Limits(wall_s=10.0, memory_bytes=None, file_bytes=MEBIBYTE))
    assert len(flood.stdout) <= MEBIBYTE and not flood.is_success
    hungry = SANDBOX.run(ToolRun(("python3", "-c", "x = bytearray(1 << 30)"), {}), small)
    assert not hungry.is_success
    assert SANDBOX.run(ToolRun(("sh", "-c", "kill -9 $$"), {}), small).reason == "killed by SIGKILL"


def test_a_statement_that_a_busy_machine_does_not_compile_in_time_is_nobodys_fault() -> None:
    class Slow:
        """A sandbox in which everything takes too long."""

        def run(self, job: ToolRun, limits: Limits) -> ToolResult:
            return ToolResult(None, "", "", {}, "it took longer than 60 s")

    score = ProofVerifier(CoqChecker(tools=Slow()))("```coq\nauto.\n```", TASK)
    assert (score.outcome, score.reason) == (Outcome.ERROR, "the statement of the Coq task could not be compiled: it took longer than 60 s")
