"""Lean: hygiene of sources, and the checker against a stand-in for the toolchain. No Lean was run; `real_lean.py` is for where there is one."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, SandboxError, TaskError
from proctor.sandbox.base import MEBIBYTE, Limits
from proctor.verifiers.proofs.attacks import Attack
from proctor.verifiers.proofs.base import ProofVerifier
from proctor.verifiers.proofs.lean.attacks import ATTACKS, GOOD, SIGNATURE
from proctor.verifiers.proofs.lean.checker import MAX_HEARTBEATS, LeanChecker, indented, lean_verifier, read_audit, source_of
from proctor.verifiers.proofs.lean.source import UnclosedError, blanked, objections
from proctor.verifiers.proofs.lean.toolchain import Toolchain, find_toolchain
from proctor.verifiers.proofs.tools import ToolResult, ToolRun

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
TASK = Task("t", "Prove it.", answer="rfl", info={"signature": SIGNATURE})
LIMITS = Limits(wall_s=10.0, memory_bytes=None, file_bytes=MEBIBYTE)
CLEAN = '{"axioms":["propext"],"findings":[],"nonce":"@NONCE@"}'

# Plays what was recorded under scenario/STAGE: an exit status, words, a compiled file, a wait. It finds the stage by its arguments alone.
STAND_IN = r"""#!/bin/sh
home=$(dirname "$(dirname "$(readlink -f "$0")")")
case "$*" in
  --print-prefix) echo "$home"; exit 0 ;;
  --run*) stage=audit ;;
  *Challenge.lean) stage=challenge; module=Challenge ;;
  *Submission.lean) stage=submission; module=Submission ;;
  Submission) stage=replay ;;
esac
for nonce; do :; done
echo "$stage $LEAN_PATH $LEAN_SYSROOT $*" >> seen
here="$home/scenario/$stage"
[ -f "$here/wait" ] && sleep 60
[ -f "$here/olean" ] && cp "$here/olean" "$module.olean"
[ -f "$here/stdout" ] && sed "s/@NONCE@/$nonce/" "$here/stdout"
[ -f "$here/stderr" ] && cat "$here/stderr" >&2
exit "$(cat "$here/code")"
"""


def _toolchain(home: Path, changes: Mapping[str, str], *, has_leanchecker: bool = True) -> Toolchain:
    """Lay out a stand-in whose every stage succeeds, but for the changes ("stage/file": content; an empty one removes the file)."""
    recorded = {f"{stage}/code": "0" for stage in ("challenge", "submission", "audit", "replay")}
    recorded |= {"challenge/olean": "compiled challenge", "submission/olean": "compiled submission", "audit/stdout": CLEAN}
    for name, content in (recorded | dict(changes)).items():
        if content:
            (home / "scenario" / name).parent.mkdir(parents=True, exist_ok=True)
            (home / "scenario" / name).write_text(content)
    (home / "bin").mkdir()
    for name in ("lean", "leanchecker") if has_leanchecker else ("lean",):
        (home / "bin" / name).write_text(STAND_IN)
        (home / "bin" / name).chmod(0o755)
    return Toolchain(str(home), str(home / "bin" / "lean"), str(home / "bin" / "leanchecker") if has_leanchecker else "", ())


def _check(home: Path, proof: str = "rfl", changes: Mapping[str, str] | None = None, *, wall_s: float = 10.0) -> tuple[bool, str, tuple[str, ...]]:
    home.chmod(0o755)
    limits = Limits(wall_s=wall_s, memory_bytes=None, file_bytes=MEBIBYTE)
    report = LeanChecker(_toolchain(home, changes or {}), limits=limits).check(proof, TASK)
    return report.accepted, report.reason, report.axioms


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for parent in itertools.takewhile(lambda parent: parent != Path(tempfile.gettempdir()), (tmp_path, *tmp_path.parents)):
        parent.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_proofs_are_clean(name: str) -> None:
    assert objections(GOOD[name]) == ()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.name)
def test_attacks_contain_what_no_proof_needs(attack: Attack) -> None:
    assert objections(attack.proof)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a -- b\nc", "a     \nc"),
        ("a /- b /- c -/ d -/ e", "a                   e"),
        ("a /- b\nc -/ d", "a     \n     d"),
        ('a "b" c', "a     c"),
        ('a "b \\" c" d', "a          d"),
        ('a "/-" b "-/" c', "a      b      c"),
        ('"--" a', "     a"),
        ('r"\\" a', "     a"),
        ('r#"a"b"# c', "         c"),
        ("'\"' a '\"'", "    a    "),
        ("'\\'' a", "     a"),
        ("h' a' b", "h' a' b"),  # primes belong to names
        ("/-- doc -/ a", "           a"),
        ("-- /- \na", "      \na"),
    ],
)
def test_comments_and_strings_are_blanked(source: str, text: str) -> None:
    assert blanked(source) == text


@pytest.mark.parametrize("source", ["/-", "a /- /- -/", '"', '"\\"', 'r#"a"'])
def test_what_is_not_closed_is_refused(source: str) -> None:
    with pytest.raises(UnclosedError):
        blanked(source)


@given(st.text(alphabet="/-\"'\\r#a \n", max_size=60))
def test_blanking_keeps_lengths_and_lines(source: str) -> None:
    try:
        text = blanked(source)
    except UnclosedError:
        return
    assert len(text) == len(source)
    assert [place for place, letter in enumerate(text) if letter == "\n"] == [place for place, letter in enumerate(source) if letter == "\n"]


def test_words_are_refused_whole() -> None:
    assert objections("exact (sorryless.axiomatic my_def_end partially) h.end_of unsafe_") == ()
    assert objections("exact List.prefix_append _ _") == ()
    assert objections("exact Lean.trustCompiler") == ("the word trustCompiler",)
    assert objections("open Real in simp") == ()
    assert objections("set_option autoImplicit true in simp") == ()


def test_the_statement_is_the_tasks_and_the_body_the_models() -> None:
    task = Task("t", "", info={"signature": SIGNATURE, "header": "import Mathlib\nopen Nat", "definitions": "def k := 1"})
    expected = "import Mathlib\nopen Nat\n\ndef k := 1\n\ntheorem proctor_target (n : Nat) : n + 0 = n := by\n  simp\n    rfl\n"
    assert source_of(task, indented("\nsimp\n  rfl\n")) == expected
    assert indented(":= by\n  simp") == "    simp"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"nonce":"n","findings":[],"axioms":[]} x',
        '{"nonce":"m","findings":[],"axioms":[]}',
        '{"nonce":"n","findings":[]}',
        '{"nonce":"n","findings":{},"axioms":[]}',
        '{"nonce":"n","findings":[],"axioms":[],"more":1}',
        "'propext' does not depend on any axioms",
    ],
)
def test_an_audit_that_is_not_understood_is_an_objection(text: str) -> None:
    assert read_audit(ToolResult(0, text, "", {}), "n")[1]


def test_an_audit_is_read() -> None:
    answer = {"nonce": "n", "findings": [], "axioms": ["propext"]}
    assert read_audit(ToolResult(0, json.dumps(answer), "", {}), "n") == (("propext",), "")
    assert read_audit(ToolResult(0, json.dumps(answer | {"findings": ["x is another"]}), "", {}), "n") == (("propext",), "x is another")
    assert read_audit(ToolResult(1, json.dumps(answer), "kernel", {}), "n")[1] == "the audit refuses it: kernel"


@needs_bubblewrap
def test_a_good_proof_is_accepted(home: Path) -> None:
    assert _check(home) == (True, "", ("propext",))


@needs_bubblewrap
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"submission/code": "1", "submission/stderr": "error: type mismatch"}, "it does not compile: error: type mismatch"),
        ({"submission/olean": ""}, "it does not compile"),
        ({"submission/stdout": CLEAN, "audit/stdout": ""}, "not understood"),  # the candidate's words are nobody's verdict
        ({"audit/stdout": CLEAN.replace("propext", "sorryAx")}, "it rests on sorryAx"),
        ({"audit/stdout": CLEAN.replace("propext", "Lean.ofReduceBool")}, "it rests on Lean.ofReduceBool"),
        ({"audit/stdout": CLEAN.replace('"findings":[]', '"findings":["proctor_target is another"]')}, "proctor_target is another"),
        ({"audit/stdout": CLEAN.replace("@NONCE@", "0" * 32)}, "not understood"),
        ({"audit/stdout": CLEAN + CLEAN}, "not understood"),
        ({"audit/stdout": "garbage"}, "not understood"),
        ({"audit/code": "1", "audit/stderr": "uncaught exception: (kernel) declaration type mismatch"}, "the audit refuses it: uncaught exception"),
        ({"replay/code": "1", "replay/stderr": "leanchecker found a problem"}, "leanchecker refuses it"),
        ({"submission/code": "0", "submission/stderr": "warning: declaration uses 'sorry'", "audit/stdout": CLEAN.replace("propext", "sorryAx")}, "sorryAx"),
    ],
)
def test_whatever_goes_wrong_is_no_proof(home: Path, changes: dict[str, str], reason: str) -> None:
    accepted, found, _ = _check(home, changes=changes)
    assert not accepted
    assert reason in found


@needs_bubblewrap
@pytest.mark.parametrize("stage", ["submission", "audit", "replay"])
def test_a_stage_that_takes_too_long_is_no_proof(home: Path, stage: str) -> None:
    accepted, reason, _ = _check(home, changes={f"{stage}/wait": "1"}, wall_s=1.0)
    assert not accepted and "longer than 1 s" in reason


@needs_bubblewrap
def test_a_statement_that_lean_refuses_is_the_tasks_fault(home: Path) -> None:
    toolchain = _toolchain(home, {"challenge/code": "1", "challenge/stderr": "unknown identifier"})
    with pytest.raises(TaskError, match="statement of the Lean task is refused: unknown identifier"):
        LeanChecker(toolchain, limits=LIMITS).require_statement(TASK)


def test_words_that_no_proof_needs_end_it_before_it_is_compiled() -> None:
    class Recorder:
        """Compiles the challenge, and nothing else."""

        def run(self, job: ToolRun, limits: Limits) -> ToolResult:
            arguments = job.argv
            assert arguments[-1] == "Challenge.lean" and f"-DmaxHeartbeats={MAX_HEARTBEATS}" in arguments
            return ToolResult(0, "", "", {"Challenge.olean": b"x"})

    report = LeanChecker(Toolchain("/t", "/t/bin/lean"), tools=Recorder()).check("sorry", TASK)
    assert (report.accepted, report.reason) == (False, "the proof contains the word sorry")


def test_a_sandbox_that_fails_is_an_error_and_no_verdict() -> None:
    class Gone:
        """A sandbox that cannot start anything."""

        def run(self, job: ToolRun, limits: Limits) -> ToolResult:
            raise SandboxError("no namespaces here")

    score = ProofVerifier(LeanChecker(Toolchain("/t", "/t/bin/lean"), tools=Gone()))("```lean\nrfl\n```", TASK)
    assert (score.outcome, score.reason) == (Outcome.ERROR, "no namespaces here")


def test_the_toolchain_is_found_by_what_lean_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _toolchain(home, {})
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    assert find_toolchain() == expected
    assert isinstance(lean_verifier(), ProofVerifier)


def test_a_projects_libraries_are_found_by_what_lake_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _toolchain(home, {}, has_leanchecker=False)
    lake = home / "bin" / "lake"
    lake.write_text(f'#!/bin/sh\nshift\n[ "$1" = printenv ] && echo .lake/lib:/opt/mathlib || exec {home}/bin/"$@"\n')
    lake.chmod(0o755)
    project = home / "project"
    project.mkdir()
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    assert find_toolchain(str(project)) == Toolchain(str(home), str(home / "bin" / "lean"), "", (str(project / ".lake/lib"), "/opt/mathlib"))
    with pytest.raises(ConfigError, match="no Lake project"):
        find_toolchain(str(home / "nowhere"))


def test_a_missing_toolchain_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="lean is not on the PATH: install Lean"):
        find_toolchain()


def test_the_trusted_program_is_shipped() -> None:
    from proctor.verifiers.proofs.lean.checker import _audit_source

    text = _audit_source().decode()
    for needed in ("env.replay submission.constants", "readModuleData", "axiomsOf", "nonce"):
        assert needed in text
