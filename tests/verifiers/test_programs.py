"""Programs verified end to end: every shape of test, both kinds of problem, blame, limits, languages, the gold check."""

from __future__ import annotations

import json
import pickle
import shutil
from typing import Any

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, SandboxError, TaskError
from proctor.sandbox.base import ExecResult, ExecStatus, Layer
from proctor.verifiers import programs
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.comparison import Comparison
from proctor.verifiers.languages import prelude_for
from proctor.verifiers.names import load_verifier
from proctor.verifiers.program_tests import CallTest, ProgramTests, StdinTest, read_tests
from proctor.verifiers.programs import ProgramVerifier, judge, last_block
from proctor.verifiers.rewards import Rewards
from tests.sandbox.layers import sandbox

SUM = "a, b = map(int, input().split())\nprint(a + b)"
SUM_TASK = Task(
    "sum", "", info={"tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5 6", "output": "11"}, {"input": "-1 1", "output": "0"}], "reference": SUM}
)
ADD_TASK = Task("add", "", info={"tests": ["assert add(1, 2) == 3", "assert add([1], [2]) == [1, 2]"]})


def fenced(source: str, label: str = "python") -> str:
    return f"Some words.\n```{label}\n{source}\n```\nMore words."


@pytest.fixture(scope="module", autouse=True)
def _isolation() -> None:
    sandbox(Layer.NAMESPACE)


@pytest.mark.parametrize(
    ("info", "answer", "expected"),
    [
        ({"tests": [{"input": "1", "output": "2"}]}, None, ProgramTests(None, (StdinTest("1", "2"),))),
        ({"test_cases": json.dumps([{"input": ["1", "2"], "output": ["3"]}])}, None, ProgramTests(None, (StdinTest("1\n2", "3"),))),
        ({"input_output": json.dumps({"inputs": ["1"], "outputs": ["2"]})}, None, ProgramTests(None, (StdinTest("1", "2"),))),
        ({}, json.dumps({"inputs": [[1, 2]], "outputs": [3], "fn_name": "add"}), ProgramTests("add", (CallTest((1, 2), 3),))),
        (
            {"tests": [{"input": '[1, 2]\n"x"', "output": "true", "testtype": "functional"}], "func_name": "f"},
            None,
            ProgramTests("f", (CallTest(([1, 2], "x"), True),)),
        ),
        ({"tests": [{"input": [1], "output": {"a": 1}, "fn_name": "f"}]}, None, ProgramTests("f", (CallTest((1,), {"a": 1}),))),
        ({"tests": ["assert f(1, 'a') == (2, {3})"]}, None, ProgramTests("f", (CallTest((1, "a"), (2, {3})),))),
    ],
)
def test_the_shapes_of_public_data_are_read(info: dict[str, Any], answer: Any, expected: ProgramTests) -> None:
    assert read_tests(Task("t", "", answer, info)) == expected


def test_wrapped_outputs_are_unwrapped_on_request_only() -> None:
    task = Task("t", "", info={"tests": {"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}})
    assert read_tests(task).tests == (CallTest((1,), [2]),)
    assert read_tests(task, unwrap_outputs=True).tests == (CallTest((1,), 2),)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({}, "task t has no tests"),
        ({"tests": []}, "task t has no tests"),
        ({"tests": "[]"}, "task t has no tests"),
        ({"tests": {"inputs": [], "outputs": []}}, "task t has no tests"),
        ({"tests": "{oops"}, "text but not JSON"),
        ({"tests": "[" * 100_000}, "text but not JSON"),
        ({"tests": {"inputs": ["1"], "outputs": []}}, "as many 'inputs' as 'outputs'"),
        ({"tests": [{"input": "1"}]}, "no object with 'input' and 'output'"),
        ({"tests": [{"input": 1, "output": "2"}]}, "names no function, so its tests must be text"),
        ({"tests": [{"input": "x", "output": "1"}], "fn_name": "f"}, "not JSON, one value a line"),
        ({"tests": [{"input": {"x": 1}, "output": 1}], "fn_name": "f"}, "must be the list of its arguments"),
        ({"tests": ["assert f(open('x')) == 1"]}, "could only be decided by the program"),
        ({"tests": ["assert f(1)"]}, "could only be decided by the program"),
        ({"tests": ["assert f(1) == 1", "assert g(1) == 1"]}, "call several functions: f, g"),
        ({"tests": [{"input": "1", "output": "2"}], "language": "cobol"}, "no language 'cobol'"),
        ({"tests": ["assert f(1) == 1"], "language": "c"}, "tests of a function are for Python"),
    ],
)
def test_tasks_that_cannot_be_checked_are_refused(info: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        ProgramVerifier()(fenced("pass"), Task("t", "", info=info))


def test_standard_input_and_output() -> None:
    score = ProgramVerifier()(fenced(SUM), SUM_TASK)
    assert (score.outcome, score.value, score.extracted, score.reason) == (Outcome.CORRECT, 1.0, SUM, "3 tests")
    assert score.extra["sandbox"] == "namespace"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("print(3)", "test 2 of 3: wrong output"),
        ("print(int(input()))", "test 1 of 3: it ended with exit code 1: ValueError"),
        (f"{SUM}\nraise SystemExit(2)", "test 1 of 3: it ended with exit code 2"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "test 1 of 3: killed by SIGSEGV"),
        ("def f(:", "SyntaxError"),
        ("", "test 1 of 3: wrong output"),
        ("while True: pass", "test 1 of 3: the processor-time limit passed"),
    ],
)
def test_failures_are_incorrect_with_their_reason(source: str, reason: str) -> None:
    score = ProgramVerifier(time_limit_s=1)(fenced(source), SUM_TASK)
    assert (score.outcome, score.value) == (Outcome.INCORRECT, 0.0) and reason in score.reason, score


def test_partial_credit_is_an_option_and_never_correct() -> None:
    score = ProgramVerifier(partial=True)(fenced("print(11)"), SUM_TASK)
    assert score.outcome is Outcome.INCORRECT and score.value == pytest.approx(1 / 3) and score.metrics["tests_passed"] == score.value
    assert ProgramVerifier()(fenced("print(11)"), SUM_TASK).value == 0.0


def test_functions_by_name_and_in_class_solution() -> None:
    for source in ("def add(a, b): return a + b", "class Solution:\n    def add(self, a: List[int], b): return a + b"):
        assert ProgramVerifier()(fenced(source), ADD_TASK).outcome is Outcome.CORRECT
    score = ProgramVerifier()(fenced("def plus(a, b): return a + b"), ADD_TASK)
    assert score.outcome is Outcome.INCORRECT and "it raised NameError" in score.reason


def test_hidden_tests_and_expected_values_never_enter_the_sandbox() -> None:
    secret = 918273645
    task = Task("t", "", info={"tests": [{"input": [1], "output": secret}, {"input": [2], "output": secret + 1}], "fn_name": "f"})
    source = f"""
import os
def f(n):
    needles = [str({secret // 5} * 5).encode(), ({secret // 5} * 5).to_bytes(4, 'little'), str({secret // 5} * 5 + 1).encode()]
    found = 0
    try:
        with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
            for line in maps:
                span, rights, *rest = line.split()
                if rights[0] == 'r' and rest[-1:] not in (['[vvar]'], ['[vsyscall]']):
                    start, end = (int(part, 16) for part in span.split('-'))
                    memory.seek(start)
                    found += sum(memory.read(end - start).count(needle) > 8 for needle in needles)
    except OSError as error:
        return repr(error)
    return found
"""
    score = ProgramVerifier()(fenced(source), task)
    assert score.reason == "test 1 of 2: wrong value"


@pytest.mark.parametrize(
    ("completion", "source"),
    [
        ("```python\nA\n```", "A"),
        ("```\nA\n```\ntext\n```py\nB\nB\n```", "B\nB"),
        ("```python\nA\n```\n```text\n3\n```", "A"),
        ("```python\nA\n```\n```python\nB", "A"),
        ("~~~python\nA\n```\nB\n~~~", "A\n```\nB"),
        ("````python\nA\n```\nB\n````", "A\n```\nB"),
        ("```python title=x\nA\n```", "A"),
        ("```python\nA\n```\nprints\n```\n3\n```", "A"),
        ("```\nA\n```\n```\nB\n```", "B"),
        ("1. So:\n   ```python\n   if a:\n       b\n\n   c\n   ```\n2. Done", "if a:\n    b\n\nc"),
        ("- ```python\n  if a:\n    b\n  ```", "if a:\n  b"),
        ("      ```python\n      A\n      ```", "A"),
        ("\t```python\n\tif a:\n\t\tb\n\t```", "if a:\n\tb"),
        ('   ```python\n   A = """\nx\n \ty"""\n```', 'A = """\nx\ny"""'),
        ("```python\ndef f():\n    '''\n    ```\n    x\n    ```\n    '''\n```", "def f():\n    '''\n    ```\n    x\n    ```\n    '''"),
        ("```python\nA\n- ```\nB\n```", "A\n- ```\nB"),
        ("no code", None),
        ("```python\nA", None),
        ("```c\nA\n```", None),
        ("", None),
    ],
)
def test_the_last_closed_block_of_the_language_counts(completion: str, source: str | None) -> None:
    assert last_block(completion, "python") == source


def test_only_what_follows_the_reasoning_counts() -> None:
    right, wrong = fenced(SUM), fenced("print(0)")
    verifier = ProgramVerifier()
    assert verifier(f"<think>{wrong}</think>{right}", SUM_TASK).outcome is Outcome.CORRECT
    assert verifier(f"<think>{right}</think>I do not know", SUM_TASK).outcome is Outcome.UNPARSED
    assert verifier(f"<think>{right}", SUM_TASK).outcome is Outcome.UNPARSED
    assert verifier("no program", SUM_TASK).outcome is Outcome.UNPARSED


def test_extraction_is_linear() -> None:
    for text in ("```" * 100_000, "```\n" * 100_000, "`" * 10**6, "~~~ " + " " * 10**6, "```python\n" + "x\n" * 10**5, " " * 190 + "```\n" * 10**5):
        last_block(text, "python")


@pytest.mark.parametrize("language", ["c", "cpp", "bash", "perl"])
def test_other_languages(language: str) -> None:
    programs_in = {
        "c": '#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); return 0; }',
        "cpp": "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }",
        "bash": "read a b\necho $((a + b))",
        "perl": "my ($a, $b) = split ' ', <STDIN>; print $a + $b;",
    }
    tool = {"c": "gcc", "cpp": "g++"}.get(language, language)
    if shutil.which(tool) is None:
        pytest.skip(f"{tool}, for programs in {language}")
    task = Task("sum", "", info={**SUM_TASK.info, "language": language})
    verifier = ProgramVerifier()
    assert verifier(fenced(programs_in[language], language), task).outcome is Outcome.CORRECT
    assert verifier(fenced(programs_in[language].replace("a + b", "a - b").replace("$a + $b", "$a - $b"), language), task).outcome is Outcome.INCORRECT
    if language in ("c", "cpp"):
        score = verifier(fenced("int main( {", language), task)
        assert score.outcome is Outcome.INCORRECT and "does not compile" in score.reason


def test_a_language_without_its_tools_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(TaskError, match="programs in javascript need node, which is not installed"):
        ProgramVerifier()(fenced("", "js"), Task("t", "", info={**SUM_TASK.info, "language": "javascript"}))


def test_no_sandbox_is_an_error_and_never_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise SandboxError("untrusted programs are not run here")

    monkeypatch.setattr(programs, "open_sandbox", refuse)
    score = ProgramVerifier()(fenced(SUM), SUM_TASK)
    assert (score.outcome, score.value) == (Outcome.ERROR, None) and "not run here" in score.reason


def test_blame_by_status() -> None:
    test = StdinTest("", "")

    def ended(status: ExecStatus) -> tuple[bool, bool]:
        verdict = judge(ExecResult(status, Layer.NAMESPACE, 0, reason="why"), test, Comparison())
        return verdict.is_passed, verdict.is_error

    assert {status: ended(status) for status in ExecStatus} == {
        ExecStatus.EXITED: (True, False),
        ExecStatus.SIGNALED: (False, False),
        ExecStatus.TIMEOUT: (False, False),
        ExecStatus.OUTPUT: (False, False),
        ExecStatus.LOST: (False, False),
        ExecStatus.UNAVAILABLE: (False, True),
    }
    no_claim = judge(ExecResult(ExecStatus.EXITED, Layer.NAMESPACE, 0), CallTest((), None), Comparison())
    assert not no_claim.is_passed and no_claim.reason == "no result was reported"


def test_all_tests_together_have_a_limit() -> None:
    task = Task("t", "", info={"tests": [{"input": "", "output": ""}] * 50})
    score = ProgramVerifier(time_limit_s=1, total_s=2)(fenced("import time\ntime.sleep(0.5)"), task)
    assert score.outcome is Outcome.INCORRECT and ("took over 2 s" in score.reason or "wall-clock" in score.reason)


def test_wrong_options_are_refused() -> None:
    for options in ({"time_limit_s": 0}, {"time_limit_s": 10, "total_s": 5}, {"memory_limit_bytes": 1}, {"whitespace": "x"}, {"remote": "localhost"}):
        with pytest.raises(ConfigError):
            ProgramVerifier(**options)  # type: ignore[arg-type]


def test_it_travels_to_workers_and_has_a_short_name() -> None:
    verifier = load_verifier("code")(tolerance=0.1)
    assert isinstance(verifier, ProgramVerifier) and pickle.loads(pickle.dumps(verifier)) == verifier
    with Rewards([RewardPart("code", ProgramVerifier())], num_workers=2) as rewards:
        rewards.check_gold([SUM_TASK, ADD_TASK])
        scores = rewards.score([ScoreRequest(SUM_TASK, fenced(SUM)), ScoreRequest(SUM_TASK, fenced("import os\nos._exit(0)")), ScoreRequest(ADD_TASK, "?")])
        assert [score["code"].outcome for score in scores] == [Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNPARSED]
        broken = Task("broken", "", info={**SUM_TASK.info, "reference": "print(3)"})
        with pytest.raises(TaskError, match="1 of 2 gold answers do not verify with 'code':\n  task broken: .*test 2 of 3: wrong output"):
            rewards.check_gold([SUM_TASK, broken])
        with pytest.raises(TaskError, match="task empty has no tests"):
            rewards.check_gold([Task("empty", "", info={"tests": []})])


def test_imports_by_habit_are_given_for_names_that_are_used() -> None:
    assert prelude_for("x: List[int] = deque(sqrt(2))") == "from typing import List\nfrom collections import deque\nfrom math import sqrt"
    assert prelude_for("print(1)") == ""
