"""Sandboxes of this machine: what goes in, what comes out, and that nothing else is left, in every layer."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proctor.errors import SandboxError
from proctor.sandbox import local
from proctor.sandbox.base import Command, ExecLimits, ExecStatus, Layer, PythonCall
from proctor.sandbox.claims import Raised, Returned, decode_claim
from proctor.sandbox.confinement import visible
from proctor.sandbox.directories import empty_directory
from proctor.sandbox.local import LocalSandbox
from tests.sandbox.layers import CONFINING, LAYERS, descendants, descriptors, sandbox

SHORT = ExecLimits(wall_s=1.0, cpu_s=1.0)
ECHO = PythonCall("def f(*arguments): return list(arguments)", "f", (1, "é", [2.5, None], {"k": (True, b"x")}))


def shell(script: str, **parts: object) -> Command:
    return Command(("sh", "-c", script), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", LAYERS)
def test_commands_get_files_and_input_and_give_output_and_files(layer: Layer) -> None:
    job = shell("cat; cat a/b; echo made > out; ln -s /etc/passwd link; mkfifo fifo; mkdir dir; echo oops >&2; exit 3", files={"a/b": b"file\n"}, stdin=b"in\n")
    job = Command(job.argv, job.files, job.stdin, ("out", "link", "fifo", "dir", "missing", "a/b"))
    result = sandbox(layer).run(job)
    assert (result.status, result.exit_code, result.layer) == (ExecStatus.EXITED, 3, layer)
    assert (result.stdout, result.stderr) == (b"in\nfile\n", b"oops\n")
    assert result.outputs == {"out": b"made\n", "a/b": b"file\n"}


@pytest.mark.parametrize("layer", LAYERS)
def test_calls_take_and_return_plain_data(layer: Layer) -> None:
    result = sandbox(layer).run(ECHO)
    assert decode_claim(result.claim, result.nonce) == Returned([1, "é", [2.5, None], {"k": (True, b"x")}])
    result = sandbox(layer).run(PythonCall("def f(): raise KeyError(1)", "f"))
    assert decode_claim(result.claim, result.nonce) == Raised("KeyError") and b"KeyError: 1" in result.stderr


def test_modules_are_loaded_ahead_for_those_who_import_them() -> None:
    """Not where a word of the source merely contains a name: `return` would load `re`, which costs a cold start more than the interpreter."""
    given = (("def f():\n    return '%s' in sys.modules", "re", False), ("import math, re\ndef f():\n    return '%s' in sys.modules", "re", True))
    for source, name, is_loaded in given:
        result = sandbox(Layer.NAMESPACE).run(PythonCall("import sys\n" + source % name, "f"))
        assert decode_claim(result.claim, result.nonce) == Returned(is_loaded)


@pytest.mark.parametrize("layer", CONFINING)
def test_one_job_sees_nothing_of_the_one_before(layer: Layer) -> None:
    leave = PythonCall(
        """
import os, sys, builtins
def f():
    open('left', 'w').write('x')
    try: open('/dev/shm/left', 'w').write('x')
    except OSError: pass
    builtins.left = os.environ['LEFT'] = sys.modules['left'] = 'x'
    return os.getpid()
""",
        "f",
    )
    look = PythonCall(
        """
import os, sys, builtins
def f():
    return os.listdir('.'), os.path.exists('/dev/shm/left'), hasattr(builtins, 'left'), 'LEFT' in os.environ, 'left' in sys.modules
""",
        "f",
    )
    with sandbox(layer).session() as session:
        first, second = session.run(leave), session.run(look)
    assert isinstance(decode_claim(first.claim, first.nonce), Returned)
    assert decode_claim(second.claim, second.nonce) == Returned(([], False, False, False, False))


@pytest.mark.parametrize("layer", LAYERS)
def test_limits_end_a_job_and_the_session_goes_on(layer: Layer) -> None:
    with sandbox(layer).session() as session:
        for source, status in (
            ("while True: pass", ExecStatus.TIMEOUT),
            ("import time; time.sleep(60)", ExecStatus.TIMEOUT),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", ExecStatus.TIMEOUT),
            ("while True: print('x' * 10**6)", ExecStatus.OUTPUT),
            ("import sys\nwhile True: sys.stderr.write('x' * 10**6)", ExecStatus.OUTPUT),
            ("import os\nwhile True: os.write(3, b'x' * 10**6)", ExecStatus.OUTPUT),
            ("import ctypes; ctypes.string_at(0)", ExecStatus.SIGNALED),
            ("open('big', 'wb').write(bytes(10**8))", ExecStatus.EXITED),
            ("x = bytearray(10**10)", ExecStatus.EXITED),
        ):
            result = session.run(PythonCall(source), SHORT)
            assert result.status is status, (source, result.status, result.reason, result.stderr[-300:])
            assert result.exit_code != 0 and (result.reason or result.stderr)
            assert len(result.stdout) <= SHORT.output_bytes
        after = session.run(ECHO)
        assert isinstance(decode_claim(after.claim, after.nonce), Returned)


@pytest.mark.parametrize("layer", CONFINING)
def test_a_job_can_neither_end_nor_slow_its_harness(layer: Layer) -> None:
    source = """
import os, signal
def f():
    denied = 0
    for who in (os.getppid(), 1, -1):
        for what in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
            try: os.kill(who, what)
            except OSError: denied += 1
    for act in (lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19), lambda: os.sched_setaffinity(os.getppid(), {0}),
                lambda: __import__('resource').prlimit(os.getppid(), 0, (1, 1)), lambda: open(f'/proc/{os.getppid()}/mem', 'r+b'),
                lambda: os.readlink(f'/proc/{os.getppid()}/fd/0'), lambda: os.listdir(f'/proc/{os.getppid()}/fd')):
        try: act()
        except OSError: denied += 1
    return denied
"""
    with sandbox(layer).session() as session:
        first = session.run(PythonCall("def f(): return 1", "f"))
        harness = session._harness  # type: ignore[attr-defined]
        result = session.run(PythonCall(source, "f"), ExecLimits(wall_s=3))
        claim = decode_claim(result.claim, result.nonce)
        if layer is Layer.LANDLOCK:
            assert claim == Returned(12)  # to signal everybody (-1) is no error; nobody was reached
        else:  # nor is it to signal process 1 of one's own namespace, and without effect
            assert isinstance(claim, Returned) and claim.value >= 6, (claim, result)
        assert isinstance(decode_claim(first.claim, first.nonce), Returned) and session._harness is harness  # type: ignore[attr-defined]


@pytest.mark.parametrize("layer", LAYERS)
def test_descendants_that_hide_are_killed(layer: Layer) -> None:
    mark = f"hidden-{os.getpid()}"
    source = f"""
import ctypes, os, time
for _ in range(5):
    if os.fork() == 0:
        try: os.setsid()
        except OSError: pass
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, b'{mark}')
            os.closerange(0, 64)
            time.sleep(60)
        os._exit(0)
time.sleep(0.05)
"""
    with sandbox(layer).session() as session:
        assert session.run(PythonCall(source)).status is ExecStatus.EXITED
        names = [path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm") if path.exists()]
    assert mark not in names


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_left_behind(layer: Layer) -> None:
    where = sandbox(layer)
    where.run(ECHO)  # the thread that starts processes, and its descriptors
    roots = [Path(tempfile.gettempdir()), Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup/memory")]
    before = descriptors(), [sorted(root.glob(f"proctor*-{os.getpid()}-*")) for root in roots]
    with where.session() as session:
        for source in ("open('x', 'w')", "import os\nos.fork()", "while True: pass", "import os; os.makedirs('a/b'); os.chmod('a', 0)", "1 / 0"):
            session.run(PythonCall(source), SHORT)
        where.run(shell("sleep 30 & disown; exit 1"), SHORT)
    assert (descriptors(), [sorted(root.glob(f"proctor*-{os.getpid()}-*")) for root in roots]) == before
    assert descendants() == []


@pytest.mark.parametrize("layer", CONFINING)
def test_threads_and_a_running_loop(layer: Layer) -> None:
    where = sandbox(layer)
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda number: where.run(PythonCall("def f(n): return n * n", "f", (number,))), range(12)))
    assert [decode_claim(result.claim, result.nonce) for result in results] == [Returned(number**2) for number in range(12)]

    async def inside() -> ExecStatus:
        return where.run(PythonCall("while True: pass"), SHORT).status

    assert asyncio.run(inside()) is ExecStatus.TIMEOUT


@pytest.mark.parametrize("layer", LAYERS)
def test_it_dies_with_a_parent_that_is_killed(layer: Layer) -> None:
    sandbox(layer)
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
from proctor.sandbox.base import Layer, PythonCall, ExecLimits
from proctor.sandbox.local import LocalSandbox
with LocalSandbox(Layer({layer.value!r})).session() as session:
    session.run(PythonCall("pass"))
    print("ready", flush=True)
    session.run(PythonCall("import time\\nfor _ in range(3): __import__('os').fork()\\ntime.sleep(600)"), ExecLimits(wall_s=600))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
        time.sleep(0.3)
        tree = _tree(parent.pid)
        assert len(tree) >= 9
        parent.kill()
    deadline = time.monotonic() + 10
    while any(_is_running(pid) for pid in tree) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(_is_running(pid) for pid in tree)
    assert list(Path(tempfile.gettempdir()).glob(f"proctor-sandbox-{parent.pid}-*")) == []


def _tree(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return children + [grandchild for child in children for grandchild in _tree(child)]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_harness_that_is_killed_is_replaced_and_its_job_is_lost() -> None:
    with sandbox(Layer.NAMESPACE).session() as session, ThreadPoolExecutor(1) as thread:
        session.run(ECHO)
        running = thread.submit(session.run, PythonCall("import time; time.sleep(30)"))
        time.sleep(0.3)
        session._harness._process.send_signal(signal.SIGKILL)  # type: ignore[union-attr]
        lost = running.result(10)
        assert lost.status is ExecStatus.LOST and "died" in lost.reason
        after = session.run(ECHO)
        assert isinstance(decode_claim(after.claim, after.nonce), Returned)


def test_a_sandbox_that_cannot_start_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    result = LocalSandbox(Layer.NAMESPACE, readable=("/nonexistent",)).run(ECHO)
    assert result.status is ExecStatus.EXITED  # what is not there is not shown
    monkeypatch.setattr(local, "visible", lambda paths: visible(paths).__class__("/nonexistent/python", ()))
    result = LocalSandbox(Layer.NAMESPACE).run(ECHO)
    assert result.status is ExecStatus.UNAVAILABLE and "nonexistent" in result.reason
    monkeypatch.setattr(local, "make_cgroup", lambda: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert "No space left" in LocalSandbox(Layer.NAMESPACE).run(ECHO).reason


def test_a_caller_s_mistake_is_named() -> None:
    where = sandbox(Layer.NAMESPACE)
    with pytest.raises(SandboxError, match="relative path inside its directory, not '../x'"):
        where.run(Command(("true",), {"../x": b""}))
    with pytest.raises(SandboxError, match="not plain data"):
        where.run(PythonCall("def f(x): pass", "f", (object(),)))


def test_further_paths_and_packages_can_be_shown() -> None:
    call = PythonCall("import shown\ndef f(): return shown.value + 1", "f")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shown:
        Path(shown).chmod(0o755)
        (Path(shown) / "shown.py").write_text("value = 41")
        for layer in CONFINING:
            result = sandbox(layer, packages=(shown,)).run(call)
            assert decode_claim(result.claim, result.nonce) == Returned(42), result
            assert b"ModuleNotFoundError" in sandbox(layer).run(call).stderr
    refused = sandbox(Layer.NAMESPACE, packages=("/tmp/packages",)).run(call)
    assert refused.status is ExecStatus.UNAVAILABLE and "/tmp/packages cannot be shown to programs" in refused.reason


def test_a_directory_is_emptied_however_deep_and_links_are_not_followed(tmp_path: Path) -> None:
    kept, full = tmp_path / "kept", tmp_path / "full"
    kept.mkdir()
    full.mkdir()
    (kept / "file").write_text("x")
    (full / "link").symlink_to(kept)
    (full / "0.moved").mkdir()
    here = os.open(full, os.O_RDONLY)
    at = os.dup(here)
    for index in range(300):
        os.mkdir("d", dir_fd=at)
        deeper = os.open("d", os.O_RDONLY, dir_fd=at)
        os.symlink("/", "root", dir_fd=deeper)
        if index % 50 == 0:
            os.mkdir("0.moved", dir_fd=deeper)
        os.close(at)
        at = deeper
    os.close(at)
    os.close(here)
    assert empty_directory(str(full)) and list(full.iterdir()) == [] and (kept / "file").exists()
    assert not empty_directory(str(tmp_path / "missing"))
