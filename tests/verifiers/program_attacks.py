# ruff: noqa: E501 -- programs on one line
"""Programs that try to be paid without solving the problem, correct programs that look odd, and graders that get fooled.

The problem: `solve(numbers)` returns the second largest of distinct integers. No bad program here computes that. Each names the
naive graders that pay it; a test runs those too (inside a sandbox), so that every attack is shown to be real.
"""

from __future__ import annotations

from dataclasses import dataclass

TESTS = [
    ([3, 1, 2], 2),
    ([10, 50, 40, 30], 40),
    ([-5, -1, -9], -5),
    ([7, 100, 8, 99, 1], 99),
]
VISIBLE = TESTS[:1]


@dataclass(frozen=True, slots=True)
class Attack:
    """A bad program.

    Attributes:
        name: the class of threat, and the variant.
        source: the program.
        fools: naive graders that pay it.
    """

    name: str
    source: str
    fools: tuple[str, ...]


EXPECTED_IN_FRAMES = """
import sys
def solve(numbers):
    frame = sys._getframe(1)
    while frame:
        for value in frame.f_locals.values():
            if type(value) is list and value and type(value[0]) is tuple and len(value[0]) == 2:
                for arguments, expected in value:
                    if arguments == numbers:
                        return expected
        frame = frame.f_back
    return 0
"""
EXPECTED_IN_GC = """
import gc
def solve(numbers):
    for found in gc.get_objects():
        if type(found) is list and found and type(found[0]) is tuple and len(found[0]) == 2 and type(found[0][0]) is list:
            for arguments, expected in found:
                if arguments == numbers:
                    return expected
    return 0
"""
RESULTS_IN_FRAMES = """
import sys
def solve(numbers):
    frame = sys._getframe(1)
    while frame:
        if 'verdicts' in frame.f_locals:
            frame.f_locals['verdicts'].extend([True] * 4)
        frame = frame.f_back
    raise KeyboardInterrupt
"""
EVERY_FD = """
import os
def solve(numbers):
    for fd in range(3, 64):
        try:
            os.write(fd, b'PASSED\\n')
        except OSError:
            pass
    os._exit(0)
"""
FORGED_FRAME = """
import os
def solve(numbers):
    body = b'd2:s5:nonces16:0000000000000000s5:valuei2;'
    for fd in range(3, 64):
        try:
            os.write(fd, len(body).to_bytes(8, 'big') + body + b'PASSED\\n')
        except OSError:
            pass
    return 0
"""
ALWAYS_EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 1
def solve(numbers): return Equal()
"""
FAKE_INT = """
class Fake(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def solve(numbers): return Fake(0)
"""
FAKE_TYPE = """
class Fake:
    __class__ = int
    def __eq__(self, other): return True
def solve(numbers): return Fake()
"""
HARNESS_FILES = """
import ast, glob, os
def solve(numbers):
    for root, directories, files in os.walk('/'):
        directories[:] = [name for name in directories if root != '/' or name in ('tmp', 'home', 'work')]
        for name in files:
            if name == 'tests.txt':
                for arguments, expected in ast.literal_eval(open(os.path.join(root, name)).read()):
                    if arguments == numbers:
                        return expected
    return 0
"""
PICKLE_GADGET = """
class Gadget:
    def __reduce__(self):
        return eval, ("type('Equal', (), {'__eq__': lambda self, other: True})()",)
def solve(numbers): return Gadget()
"""
PATCH_CLOCK = """
import time
time.perf_counter = time.monotonic = time.time = time.process_time = lambda: 0.0
def solve(numbers):
    for _ in range(10**8): pass
    return sorted(numbers)[-2]
"""
PTRACE = """
import ctypes, os, signal
def solve(numbers):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), None, None) == 0:
        os.kill(os.getppid(), signal.SIGKILL)
    os._exit(0)
"""
ATEXIT = """
import atexit, os
atexit.register(lambda: os._exit(0))
def solve(numbers): return 0
"""
PARENT_EXITS = """
import os, time
if os.fork():
    os._exit(0)
def solve(numbers): return 0
"""
SERVICE = """
import socket
def solve(numbers):
    client = socket.socket(socket.AF_UNIX)
    client.connect('\\0answers')
    client.sendall(repr(numbers).encode())
    return int(client.recv(100))
"""
SYMLINK = """
import os
os.symlink('/tmp/tests/answers.txt', 'output.txt')
def solve(numbers): return 0
"""
INHERITED = """
import os
def solve(numbers):
    for fd in range(3, 64):
        try:
            import ast
            os.lseek(fd, 0, 0)
            for arguments, expected in ast.literal_eval(os.read(fd, 10000).decode()):
                if arguments == numbers:
                    return expected
        except Exception:
            pass
    return 0
"""

BAD = (
    Attack("equality: always equal", ALWAYS_EQUAL, ("in process", "exit code")),
    Attack("equality: subclass of int", FAKE_INT, ("in process", "exit code")),
    Attack("equality: pretended class", FAKE_TYPE, ("in process",)),
    Attack("equality: numeric operators", FAKE_INT.replace("__eq__", "__sub__").replace("return True", "return 0"), ("difference",)),
    Attack("exit: sys.exit at import", "import sys\nsys.exit(0)", ("exit code",)),
    Attack("exit: sys.exit in the call", "import sys\ndef solve(numbers): sys.exit(0)", ("exit code",)),
    Attack("exit: SystemExit raised", "raise SystemExit", ("exit code",)),
    Attack("exit: os._exit at import", "import os\nos._exit(0)", ("exit code",)),
    Attack("exit: os._exit in the call", "import os\ndef solve(numbers): os._exit(0)", ("exit code",)),
    Attack("exit: atexit", ATEXIT, ("exit code",)),
    Attack("exit: the forked parent exits", PARENT_EXITS, ("exit code",)),
    Attack("exit: SkipTest", "import unittest\ndef solve(numbers): raise unittest.SkipTest('later')", ("skips allowed",)),
    Attack("memory: expected value in a caller's frame", EXPECTED_IN_FRAMES, ("in process",)),
    Attack("memory: verdicts in a caller's frame", RESULTS_IN_FRAMES, ("in process",)),
    Attack("memory: expected value by the garbage collector", EXPECTED_IN_GC, ("in process", "forked")),
    Attack("files: the harness's tests", HARNESS_FILES, ("exit code",)),
    Attack("files: a link to the answers", SYMLINK, ("output file",)),
    Attack("files: an inherited descriptor", INHERITED, ("forked",)),
    Attack("patch: builtins.all", "import builtins\nbuiltins.all = lambda items: True\ndef solve(numbers): return 0", ("in process",)),
    Attack("patch: json", "import json\njson.dumps = lambda *a, **k: '{\"passed\": true}'\ndef solve(numbers): return 0", ("json verdict",)),
    Attack("patch: sys.exit", "import sys\nsys.exit = lambda code=0: __import__('os')._exit(0)\ndef solve(numbers): return 0", ("exit status by sys.exit",)),
    Attack("patch: the clock", PATCH_CLOCK, ("own clock",)),
    Attack("output: the marker", "print('PASSED')\ndef solve(numbers): return 0", ("marker",)),
    Attack("output: the marker and exit", "import os\nos.write(1, b'PASSED\\n')\nos._exit(0)", ("marker", "exit code")),
    Attack("output: every descriptor", EVERY_FD, ("forked", "exit code")),
    Attack("output: a forged frame", FORGED_FRAME, ("forked",)),
    Attack("output: a pickle that runs", PICKLE_GADGET, ("pickled result",)),
    Attack("grader: killed", "import os, signal\ndef solve(numbers): os.kill(os.getppid(), signal.SIGKILL)", ("no failure printed",)),
    Attack("grader: stopped", "import os, signal\ndef solve(numbers): os.kill(os.getppid(), signal.SIGSTOP)", ("no failure printed",)),
    Attack("grader: traced and killed", PTRACE, ("no failure printed, unconfined",)),
    Attack("network: a service that knows", SERVICE, ("answer service",)),
    Attack("tests: only the visible one", "def solve(numbers):\n    if numbers == [3, 1, 2]: return 2\n    raise ValueError", ("visible tests",)),
    Attack("tests: a table of visible tests", "def solve(numbers): return {(3, 1, 2): 2}.get(tuple(numbers), 0)", ("visible tests",)),
    Attack("tests: no result counts for nothing", "def solve(numbers): raise MemoryError", ("denominator",)),
)

BOMBS = {
    "fork bomb": "import os\ndef solve(numbers):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "fork bomb that leaves its session": "import os\ndef solve(numbers):\n    while True:\n        try:\n            os.fork(); os.setsid()\n        except OSError: pass",
    "memory bomb": "def solve(numbers):\n    hoard = []\n    while True: hoard.append(b'x' * 10**7)",
    "memory in files": "def solve(numbers):\n    for i in range(10**6): open(f'{i}', 'wb').write(b'x' * 10**7)",
    "output flood": "def solve(numbers):\n    while True: print('x' * 10**5)",
    "result flood": "def solve(numbers): return 'x' * 10**8",
    "deep result": "def solve(numbers):\n    x = []\n    for _ in range(10**5): x = [x]\n    return x",
    "infinite loop": "def solve(numbers):\n    while True: pass",
    "C code that holds the lock": "def solve(numbers): return len(str(9**9**7))",
    "regular expression": "import re\ndef solve(numbers): return re.match(r'(a+)+$', 'a' * 40 + 'b')",
    "ignores signals": "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ndef solve(numbers):\n    while True: pass",
    "stops itself": "import os, signal\ndef solve(numbers): os.kill(os.getpid(), signal.SIGSTOP)",
    "crash": "import ctypes\ndef solve(numbers): ctypes.string_at(0)",
    "deep directories": "import os\ndef solve(numbers):\n    for _ in range(3000):\n        os.mkdir('d'); os.chdir('d')",
    "unreadable directories": "import os\ndef solve(numbers):\n    os.makedirs('a/b/c'); os.chmod('a/b', 0); os.chmod('a', 0)",
    "threads that never end": "import threading, time\ndef solve(numbers):\n    threading.Thread(target=time.sleep, args=(1000,)).start()\n    return 0",
}

GOOD = {
    "plain": "def solve(numbers): return sorted(numbers)[-2]",
    "prints": "print('starting')\ndef solve(numbers):\n    print('PASSED', numbers)\n    return sorted(numbers)[-2]",
    "logs": "import logging, sys\nlogging.basicConfig(level=0)\ndef solve(numbers):\n    logging.warning('working')\n    sys.stderr.write('noise')\n    return sorted(numbers)[-2]",
    "defines __eq__": "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x\n    def __lt__(self, o): return self.x < o.x\ndef solve(numbers): return sorted(map(P, numbers))[-2].x",
    "closes stdout": "import sys\nsys.stdout.close()\ndef solve(numbers): return sorted(numbers)[-2]",
    "exits in a child": "import os\ndef solve(numbers):\n    if os.fork() == 0: os._exit(3)\n    os.wait()\n    return sorted(numbers)[-2]",
    "class Solution": "class Solution:\n    def solve(self, numbers: List[int]) -> int: return sorted(numbers)[-2]",
    "imports by habit": "from collections import *\nimport heapq\ndef solve(numbers): return heapq.nlargest(2, numbers)[1]",
    "main guard": "def solve(numbers): return sorted(numbers)[-2]\nif __name__ == '__main__':\n    print(solve([1, 2]))",
}
