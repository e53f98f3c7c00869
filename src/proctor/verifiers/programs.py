"""Verifies programs by hidden tests, run one by one in a sandbox and compared outside it.

The sandbox gets the program and one input; what comes back is output or a claimed value. Expected values, the comparison,
the clock and the verdict stay in this process. An exit code earns nothing, a missing or malformed result fails its test, and
what the program did not cause (no sandbox, one that cannot be started) is an ERROR, never a score.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, SandboxError, TaskError
from proctor.sandbox.base import MEBIBYTE, ExecLimits, ExecResult, ExecStatus, Layer, Sandbox, Session
from proctor.sandbox.claims import Malformed, Raised, Returned, decode_claim
from proctor.sandbox.container import ContainerSandbox
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import Requirement, checked_container, open_sandbox
from proctor.sandbox.remote import RemoteSandbox
from proctor.verifiers.comparison import Comparison, Whitespace, same_text, same_value
from proctor.verifiers.extraction import after_reasoning
from proctor.verifiers.languages import LABELS, Program, build, check_language
from proctor.verifiers.program_tests import CallTest, ProgramTests, StdinTest, read_tests

MAX_SOURCE_CHARS = 200_000
REFERENCE_FIELDS = ("reference", "solution", "reference_solution", "canonical_solution")
GRACE_S = 3.0  # wall clock over processor time: a busy machine is not the program's fault
GRACE_FACTOR = 4
_CONTAINERS_S = 300.0  # for the self-test in a dozen of them, and an engine that is slow to start and to kill one
MAX_FENCE_INDENT = 3  # of a closing fence beyond the opening one's
_FENCE = re.compile(r"^(?P<indent>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<label>[^\s`{]*)[^`\n]*$")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one test: passed or not and why; `is_error` if the program is not to blame."""

    is_passed: bool
    reason: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ProgramVerifier:
    """CORRECT if the program in the last fenced block (of its language, else without a label) passes every test of the task.

    The task's tests are described in `proctor.verifiers.program_tests`. `task.info` may hold `language`, `time_limit_s`, `memory_limit_bytes`,
    and a reference solution (`reference` or `solution`), which must pass all tests before training starts.

    Attributes:
        require: weakest sandbox that may run the programs: "namespace", "landlock" or "any".
        partial: pay the share of passed tests instead of all or nothing; the outcome stays CORRECT only if all pass. Otherwise the first
            failure ends the check.
        language: of programs whose task names none.
        time_limit_s: processor seconds for one test, where the task names none.
        memory_limit_bytes: for one test, where the task names none.
        total_s: wall seconds for all tests of one completion.
        whitespace, tolerance, ignore_order: see `proctor.verifiers.comparison.Comparison`.
        unwrap_outputs: expected values of calls stand in lists of one (APPS).
        packages: directories of Python packages that programs may import besides the standard library.
        remote: address of a SandboxFusion-like service that runs the programs instead; `require` and `packages` do not apply to it.
        container: image in whose containers the programs run instead, after a self-test, as in "docker:python:3.12-slim", "podman:IMAGE" or,
            under gVisor, "docker+runsc:IMAGE"; likewise.
    """

    require: Requirement = "landlock"
    partial: bool = False
    language: str = "python"
    time_limit_s: float = 4.0
    memory_limit_bytes: int = 512 * MEBIBYTE
    total_s: float = 60.0
    whitespace: Whitespace = "lines"
    tolerance: float = 0.0
    ignore_order: bool = False
    unwrap_outputs: bool = False
    packages: tuple[str, ...] = ()
    remote: str = ""
    container: str = ""
    _comparison: Comparison = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_comparison", Comparison(self.whitespace, self.tolerance, self.ignore_order))
        object.__setattr__(self, "packages", tuple(self.packages))
        if self.remote and self.container:
            raise ConfigError(f"programs run remotely or in containers, not both: {self.remote!r}, {self.container!r}; leave one out")
        if self.remote:
            RemoteSandbox(self.remote)  # refuses what is no address
        if self.container:
            ContainerSandbox.named(self.container)  # likewise
        if not (self.time_limit_s > 0 and self.total_s >= self.time_limit_s and self.memory_limit_bytes >= 64 * MEBIBYTE):
            raise ConfigError("time_limit_s must be positive and at most total_s, and memory_limit_bytes at least 64 MiB")

    @property
    def max_wall_s(self) -> float:
        """Wall seconds that one call may take: what runs this verifier in a worker must wait as long."""
        return self.total_s + (_CONTAINERS_S if self.container else 30.0)

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no tests, or they cannot be read.
        """
        tests = read_tests(task, unwrap_outputs=self.unwrap_outputs)
        language = self._language(task, tests)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        source = last_block(text, language)
        if source is None:
            return Score.unparsed(f"no closed fenced block of {language} code")
        if len(source) > MAX_SOURCE_CHARS:
            return Score.incorrect(reason=f"the program has more than {MAX_SOURCE_CHARS} characters")
        try:
            sandbox = self._sandbox()
        except SandboxError as error:
            return Score.error(str(error))
        with sandbox.session() as session:
            score = self._grade(Program(language, source), tests, task, session)
        return replace(score, extracted=source, extra={"sandbox": sandbox.layer.value})

    def gold(self, task: Task) -> str | None:
        """Return the task's reference solution as a completion; None if it has none.

        Raises:
            TaskError: the task has no tests, or they cannot be read.
        """
        language = self._language(task, read_tests(task, unwrap_outputs=self.unwrap_outputs))
        source = next((task.info[name] for name in REFERENCE_FIELDS if task.info.get(name)), None)
        if source is None:
            return None
        fence = "~~~~" if "```" in source else "```"
        return f"{fence}{language}\n{source}\n{fence}"

    def _language(self, task: Task, tests: ProgramTests) -> str:
        language = str(task.info.get("language") or self.language).lower()
        try:
            check_language(language, calls_function=tests.function is not None)
        except ConfigError as error:
            raise TaskError(f"task {task.id}: {error}") from None
        return language

    def _sandbox(self) -> Sandbox:
        if self.remote:
            return RemoteSandbox(self.remote)
        if self.container:
            return checked_container(ContainerSandbox.named(self.container))
        return open_sandbox(self.require, sandbox=LocalSandbox(Layer.NAMESPACE, packages=self.packages))

    def _limits(self, task: Task) -> ExecLimits:
        cpu_s = float(task.info.get("time_limit_s") or self.time_limit_s)
        memory = int(task.info.get("memory_limit_bytes") or self.memory_limit_bytes)
        return ExecLimits(cpu_s * GRACE_FACTOR + GRACE_S, cpu_s, memory)

    def _grade(self, program: Program, tests: ProgramTests, task: Task, session: Session) -> Score:
        limits, deadline = self._limits(task), time.monotonic() + self.total_s
        ready, failed = build(program, session)
        if failed is not None:
            if failed.status in (ExecStatus.UNAVAILABLE, ExecStatus.LOST):
                return Score.error(failed.reason)
            return Score.incorrect(reason=f"it does not compile: {failed.stderr.decode('utf-8', 'replace').strip()[:300]}")
        passed, reasons = 0, list[str]()
        for number, test in enumerate(tests.tests, 1):
            wall_s = min(limits.wall_s, deadline - time.monotonic())
            verdict = Verdict(False, f"all tests together took over {self.total_s:g} s")
            if wall_s > 0:
                verdict = self._run(ready, test, tests.function, session, replace(limits, wall_s=wall_s))
            if verdict.is_error:
                return Score.error(f"test {number} of {len(tests.tests)}: {verdict.reason}")
            passed += verdict.is_passed
            if not verdict.is_passed:
                reasons.append(f"test {number} of {len(tests.tests)}: {verdict.reason}")
                if not self.partial:
                    break
        share = passed / len(tests.tests)
        if passed == len(tests.tests):
            return replace(Score.correct(reason=f"{passed} tests"), metrics={"tests_passed": 1.0})
        score = Score.incorrect(reason=reasons[0])
        return replace(score, value=share, metrics={"tests_passed": share}) if self.partial else score

    def _run(self, program: Program, test: StdinTest | CallTest, function: str | None, session: Session, limits: ExecLimits) -> Verdict:
        """Run one test. If the sandbox dies or does not start, once more in a fresh one; a second death under the same program is held against it."""
        job = program.job(test, function)
        result = session.run(job, limits)
        if result.status in (ExecStatus.LOST, ExecStatus.UNAVAILABLE):
            result = session.run(job, limits)
        return judge(result, test, self._comparison)


def judge(result: ExecResult, test: StdinTest | CallTest, comparison: Comparison) -> Verdict:
    """Say whether an execution passed a test. Only a value that is there and equal passes."""
    if result.status is ExecStatus.UNAVAILABLE:
        return Verdict(False, result.reason, is_error=True)
    if result.status is ExecStatus.LOST:
        return Verdict(False, "the sandbox died twice under the program")
    if result.status is not ExecStatus.EXITED:
        return Verdict(False, result.reason)
    if isinstance(test, StdinTest):
        if result.exit_code != 0:
            return Verdict(False, f"it ended with exit code {result.exit_code}{_last_line(result.stderr)}")
        if same_text(test.expected, result.stdout.decode("utf-8", "replace"), comparison):
            return Verdict(True)
        return Verdict(False, "wrong output")
    match decode_claim(result.claim, result.nonce):
        case Returned(value):
            return Verdict(True) if same_value(test.expected, value, comparison) else Verdict(False, "wrong value")
        case Raised(name):
            return Verdict(False, f"it raised {name}{_last_line(result.stderr)}")
        case Malformed(reason):
            return Verdict(False, reason)


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def last_block(text: str, language: str) -> str | None:
    """Return the content of the last closed fenced block that is labelled as the language, else of the last without a label; None if there is none.

    Linear in the text. A block that is not closed (a truncated completion) is no block. One that stands inside a list item is read without the
    item's indentation.
    """
    labelled: str | None = None
    plain: str | None = None
    fence: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        mark = _FENCE.match(line) if len(line) < 200 else None
        if fence is None:
            if mark:
                fence, lines = mark, []
        elif mark and _closes(mark, fence):
            content = "\n".join(_outdented(line, len(fence["indent"])) for line in lines)
            if fence["label"].lower() in LABELS[language]:
                labelled = content
            elif not fence["label"]:
                plain = content
            fence = None
        else:
            lines.append(line)
    return plain if labelled is None else labelled


def _closes(mark: re.Match[str], fence: re.Match[str]) -> bool:
    """Whether a fence ends the block that another began: of its kind, at least as long, and not indented as only the block's own content is."""
    is_bare = not mark["label"] and not mark["indent"].strip()
    is_near = len(mark["indent"]) <= len(fence["indent"]) + MAX_FENCE_INDENT
    return is_bare and is_near and mark["fence"][0] == fence["fence"][0] and len(mark["fence"]) >= len(fence["fence"])


def _outdented(line: str, width: int) -> str:
    """A line without its first white space, of at most `width` characters."""
    return line[width:] if line[:width].isspace() else line.lstrip() if width else line
