"""Containers and remote runners, against stand-ins for the engine and the service. A real engine: `evidence/containers.py`."""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, SandboxError
from proctor.sandbox.base import Command, ExecLimits, ExecResult, ExecStatus, Layer, PythonCall
from proctor.sandbox.claims import Malformed, Raised, Returned, decode_claim
from proctor.sandbox.container import ContainerSandbox
from proctor.sandbox.policy import Attempt, SelfTest, self_test
from proctor.sandbox.probes import CORRECT_RESULT, PROBES
from proctor.sandbox.remote import NUM_TRIES, RemoteSandbox
from proctor.verifiers.programs import ProgramVerifier

CALL = PythonCall("def f(*a): print('noise'); return [*a]", "f", (1, "é", (None, {2: b"x"})))
LIMITS = ExecLimits(wall_s=20)
FAKE_DOCKER = """#!/usr/bin/env python3
import os, subprocess, sys
if sys.argv[1] == "kill":
    sys.exit(0)
if "refuse" in sys.argv:
    print("docker: no such image", file=sys.stderr)
    sys.exit(125)
work = next(a for a in sys.argv if a.startswith("--volume=")).removeprefix("--volume=").split(":")[0]
rest = sys.argv[sys.argv.index("image") + 1:]
print("WARNING: an engine may say something first", file=sys.stderr, flush=True)
done = subprocess.run(["/bin/sh", *rest], cwd=work).returncode
sys.exit(done if done >= 0 else 128 - done)
"""


class Service(http.server.BaseHTTPRequestHandler):
    """Speaks as SandboxFusion does, and runs what the tests of this file send."""

    replies: ClassVar[list[Any]] = []  # what to answer instead, first come first served
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(asked)
        reply = self.replies.pop(0) if self.replies else self.execute(asked)
        body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(500 if reply == b"down" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def execute(self, asked: dict[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as work:
            for name, content in asked["files"].items():
                (Path(work) / name).write_bytes(base64.b64decode(content))
            done = subprocess.run(["bash", "-c", asked["code"]], cwd=work, capture_output=True, text=True, check=False)
            files = {name: base64.b64encode((Path(work) / name).read_bytes()).decode() for name in asked["fetch_files"] if (Path(work) / name).exists()}
        run = {"status": "Finished", "return_code": done.returncode, "stdout": done.stdout, "stderr": done.stderr, "execution_time": 0.1}
        return {"status": "Success" if done.returncode == 0 else "Failed", "run_result": run, "files": files}

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def remote() -> Iterator[RemoteSandbox]:
    Service.replies.clear()
    Service.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield RemoteSandbox(f"http://127.0.0.1:{server.server_address[1]}", LIMITS, backoff_s=0)
        server.shutdown()


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContainerSandbox:
    tool = tmp_path / "docker"
    tool.write_text(FAKE_DOCKER)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return ContainerSandbox("image", limits=LIMITS)


@pytest.mark.parametrize("name", ["remote", "container"])
def test_the_same_jobs_run_elsewhere(name: str, request: pytest.FixtureRequest) -> None:
    where = request.getfixturevalue(name)
    done = where.run(CALL)
    assert done.layer is Layer(name) and done.status is ExecStatus.EXITED, done
    assert decode_claim(done.claim, done.nonce) == Returned([1, "é", (None, {2: b"x"})]) and done.stdout == b"noise\n"
    raised = where.run(PythonCall("def f(): raise KeyError", "f"))
    assert decode_claim(raised.claim, raised.nonce) == Raised("KeyError") and raised.exit_code == 1
    assert where.run(PythonCall("import sys; sys.exit(0)", "f")).claim == b""
    with where.session() as session:
        result = session.run(Command(("sh", "-c", "cat; cat a; echo y > out; exit 4"), {"a": b"file\n"}, b"in\n", ("out", "missing")))
    assert (result.exit_code, result.stdout, result.outputs) == (4, b"in\nfile\n", {"out": b"y\n"})


def test_a_container_has_every_wall_that_the_engine_offers(container: ContainerSandbox) -> None:
    argv = ContainerSandbox("image", runtime="runsc").argv(Command(("x",)), LIMITS, "/w", "name")
    walls = {"--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534", "--runtime=runsc", "--rm"}
    assert walls <= set(argv) and f"--memory={LIMITS.memory_bytes}" in argv and "--pids-limit=96" in argv, "32 and gVisor's own"


def test_a_container_that_does_not_start_is_nobodys_fault_but_its_exit_code_is_the_programs(container: ContainerSandbox) -> None:
    refused = ContainerSandbox("refuse", limits=LIMITS).run(CALL)
    assert refused.status is ExecStatus.UNAVAILABLE and "no such image" in refused.reason
    assert container.run(Command(("sh", "-c", "rm -rf .s* *; exit 125"))).status is ExecStatus.EXITED


def test_containers_are_bounded(container: ContainerSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert container.run(Command(("sleep", "60")), ExecLimits(wall_s=0.1)).status is ExecStatus.TIMEOUT
    flood = container.run(Command(("sh", "-c", "yes")), ExecLimits(output_bytes=10_000))
    assert flood.status is ExecStatus.OUTPUT and len(flood.stdout) <= 10_000


def test_the_clock_of_a_job_starts_with_its_container(container: ContainerSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "docker"
    tool.write_text(FAKE_DOCKER.replace("work =", "import time; time.sleep(1.5)\nwork =", 1))
    began = time.monotonic()
    done = container.run(Command(("true",)), LIMITS)
    assert done.status is ExecStatus.EXITED and time.monotonic() - began - done.wall_s >= 1.5, "what the engine took is not the program's"
    monkeypatch.setattr("proctor.sandbox.container.START_S", 0.2)
    late = container.run(Command(("true",)), ExecLimits(wall_s=5.0))
    assert late.status is ExecStatus.UNAVAILABLE and "nothing within 0.2 seconds" in late.reason


def test_what_a_signal_ended_is_said_so(container: ContainerSandbox) -> None:
    ended = container.run(Command(("sh", "-c", "exit 137")))
    assert (ended.status, ended.exit_code, ended.reason) == (ExecStatus.SIGNALED, -9, "killed by signal 9"), "as engines report one killed for its memory"
    assert container.run(Command(("sh", "-c", "exit 200"))).status is ExecStatus.EXITED, "there is no signal 72"


def test_an_engine_that_hangs_is_nobodys_fault(container: ContainerSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\nsleep 60\n")
    monkeypatch.setattr("proctor.sandbox.container.START_S", 0.2)
    assert container.run(CALL).status is ExecStatus.UNAVAILABLE


def test_a_program_that_outlives_its_guard_is_ended_inside(container: ContainerSandbox) -> None:
    argv = container.argv(Command(("sleep", "60")), ExecLimits(wall_s=1.5), "/w", "name")
    assert argv[argv.index("name") + 1] == "32" and "--entrypoint=/bin/sh" in argv
    place = argv.index("image")
    ended = subprocess.run(["/bin/sh", *(part if part != "32" else "1" for part in argv[place + 1 :])], capture_output=True, check=False)
    assert ended.returncode in (-9, 137) and ended.stderr.startswith(b"name\n")


@pytest.mark.parametrize(
    ("text", "engine", "runtime", "image"),
    [
        ("docker:python:3.12-slim", "docker", "", "python:3.12-slim"),
        ("podman:localhost/a", "podman", "", "localhost/a"),
        ("docker+runsc:host:5000/a:b", "docker", "runsc", "host:5000/a:b"),
    ],
)
def test_containers_are_named_by_engine_and_image(text: str, engine: str, runtime: str, image: str) -> None:
    assert ContainerSandbox.named(text) == ContainerSandbox(image, engine, runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["python:3.12", "docker", "docker:", "runsc:a", "+runsc:a"])
def test_a_name_without_engine_or_image_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="docker:python"):
        ProgramVerifier(container=text)


def test_programs_run_remotely_or_in_containers() -> None:
    with pytest.raises(ConfigError, match="not both"):
        ProgramVerifier(container="docker:image", remote="http://127.0.0.1:9")


def test_programs_are_verified_in_containers_after_a_self_test(container: ContainerSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    task, right = Task("t", "", info={"tests": ["assert f(20) == 40"]}), "```python\ndef f(n): return 2 * n\n```"
    found = SelfTest(Layer.CONTAINER, "", (Attempt("read a file of the machine", False, "it got it"),))
    monkeypatch.setattr("proctor.sandbox.policy.cached_self_test", lambda sandbox: found)
    refused = ProgramVerifier(container="docker:image")(right, task)
    assert refused.outcome is Outcome.ERROR and "read a file of the machine" in refused.reason
    found = SelfTest(Layer.CONTAINER, "", (Attempt("read a file of the machine", True),))
    score = ProgramVerifier(container="docker:image")(right, task)
    assert (score.outcome, score.extra["sandbox"]) == (Outcome.CORRECT, "container")
    assert ProgramVerifier(container="docker:image")(right.replace("2", "3"), task).outcome is Outcome.INCORRECT


def test_under_gvisor_its_own_threads_are_counted_and_its_own_kernel_is_no_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    under = ContainerSandbox("image", runtime="runsc")
    assert f"--pids-limit={LIMITS.num_processes}" in ContainerSandbox("image").argv(Command(("x",)), LIMITS, "/w", "name")
    tried: list[str] = []
    of_processes = next(probe.source for probe in PROBES if probe.name == "start more processes than allowed")

    def run(sandbox: ContainerSandbox, job: PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        tried.append(job.source)
        return ExecResult(ExecStatus.EXITED, Layer.CONTAINER, 2, b"", b"")

    def claimed(claim: bytes, nonce: str) -> Returned | Malformed:
        return Returned(CORRECT_RESULT) if len(tried) == 1 else Malformed("none") if tried[-1] == of_processes else Returned(None)

    monkeypatch.setattr(ContainerSandbox, "run", run)
    monkeypatch.setattr("proctor.sandbox.policy.decode_claim", claimed)
    report = self_test(under)
    assert report.is_sound and len(report.attempts) == len(PROBES) - 1
    tried.clear()
    assert not self_test(ContainerSandbox("image")).is_sound, "under the engine's own runtime a program that only fails says nothing"


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxError, match="podman is not installed"):
        ContainerSandbox("image", "podman").run(CALL)


@pytest.mark.parametrize(
    "reply",
    [
        b"down",
        b"not json",
        b"[" * 100_000,
        [],
        {"status": "SandboxError", "message": "disk full"},
        {"status": "Success"},
        {"status": "Success", "run_result": {"status": "Error"}},
        {"status": "Success", "run_result": {"status": "Finished", "return_code": "0"}},
        {"status": "Success", "run_result": {"status": "Finished", "return_code": 0}, "files": []},
        {"status": "Success", "run_result": {"status": "Finished", "return_code": 0}, "files": {"claim": "%%%"}},
    ],
)
def test_a_service_that_fails_is_asked_again_and_then_unavailable(remote: RemoteSandbox, reply: Any) -> None:
    Service.replies += [reply]
    assert remote.run(CALL).status is ExecStatus.EXITED and len(Service.asked) == 2
    Service.replies += [reply] * NUM_TRIES
    failed = remote.run(CALL)
    assert failed.status is ExecStatus.UNAVAILABLE and "failed 3 times" in failed.reason


def test_limits_of_a_service_are_the_programs(remote: RemoteSandbox) -> None:
    Service.replies += [{"status": "Failed", "run_result": {"status": "TimeLimitExceeded"}}]
    assert remote.run(CALL).status is ExecStatus.TIMEOUT
    assert remote.run(Command(("sh", "-c", "yes | head -c 20000")), ExecLimits(output_bytes=10_000)).status is ExecStatus.OUTPUT


def test_programs_are_verified_remotely_and_what_is_expected_stays_here(remote: RemoteSandbox) -> None:
    task = Task("t", "", info={"tests": ["assert f(20) == 987654321", "assert f(21) == 987654322"]})
    verifier = ProgramVerifier(remote=remote.url)
    score = verifier("```python\ndef f(n): return 987654301 + n\n```", task)
    assert (score.outcome, score.extra["sandbox"]) == (Outcome.CORRECT, "remote")
    sent = [base64.b64decode(content) for asked in Service.asked for content in asked["files"].values()]
    assert not any(form in content for content in sent for form in (b"987654321", hex(987654321).encode()))
    assert verifier("```python\nimport sys; sys.exit(0)\n```", task).outcome is Outcome.INCORRECT


def test_an_unreachable_service_is_an_error() -> None:
    score = ProgramVerifier(remote="http://127.0.0.1:9")("```python\nx\n```", Task("t", "", info={"tests": ["assert f(1) == 1"]}))
    assert score.outcome is Outcome.ERROR and "failed 3 times" in score.reason
    with pytest.raises(ConfigError, match="starts with http"):
        RemoteSandbox("localhost:80")
