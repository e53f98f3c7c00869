"""How a program becomes jobs for a sandbox, by language: Python in a forked interpreter, others compiled and run by their own tools."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace

from proctor.errors import ConfigError
from proctor.sandbox.base import Command, ExecLimits, ExecResult, ExecStatus, PythonCall, Session
from proctor.verifiers.program_tests import CallTest, StdinTest

COMPILE_LIMITS = ExecLimits(wall_s=30, cpu_s=10, memory_bytes=1 << 30, file_bytes=64 << 20, num_processes=16)
_WORD = re.compile(r"\w+")
_IMPORTS = (
    ("typing", ("Any", "Callable", "Dict", "Generator", "Iterable", "Iterator", "List", "Optional", "Sequence", "Set", "Tuple", "Union")),
    ("collections", ("Counter", "OrderedDict", "defaultdict", "deque")),
    ("functools", ("cache", "cmp_to_key", "lru_cache", "reduce")),
    ("heapq", ("heapify", "heappop", "heappush", "heapreplace")),
    ("bisect", ("bisect_left", "bisect_right", "insort")),
    ("itertools", ("accumulate", "chain", "combinations", "permutations", "product")),
    ("math", ("ceil", "comb", "floor", "gcd", "inf", "isqrt", "lcm", "sqrt")),
)
_MODULES = ("bisect", "collections", "functools", "heapq", "itertools", "math", "operator", "random", "re", "string", "sys")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A language that is not run by the sandbox's own interpreter.

    Attributes:
        file: name of the source.
        compile: command that makes `binary`; empty for languages that are interpreted.
        binary: what it makes.
        run: command that runs the program; it reads standard input.
    """

    file: str
    compile: tuple[str, ...]
    binary: str
    run: tuple[str, ...]


TOOLCHAINS = {
    "c": Toolchain("main.c", ("gcc", "-O2", "-std=c17", "-o", "main", "main.c", "-lm"), "main", ("./main",)),
    "cpp": Toolchain("main.cpp", ("g++", "-O2", "-std=c++17", "-o", "main", "main.cpp"), "main", ("./main",)),
    "bash": Toolchain("main.sh", (), "", ("bash", "main.sh")),
    "perl": Toolchain("main.pl", (), "", ("perl", "main.pl")),
    "javascript": Toolchain("main.js", (), "", ("node", "main.js")),
}
LABELS = {
    "python": ("python", "py", "python3"),
    "c": ("c",),
    "cpp": ("cpp", "c++", "cc"),
    "bash": ("bash", "sh"),
    "perl": ("perl",),
    "javascript": ("javascript", "js"),
}
"""What a fenced block of the language may be labelled."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is ready to be run on tests.

    Attributes:
        language: of its source.
        source: its text.
        binary: what the compiler made of it; empty where nothing is compiled.
    """

    language: str
    source: str
    binary: bytes = b""

    def job(self, test: StdinTest | CallTest, function: str | None) -> Command | PythonCall:
        """Return what runs the program on one test. What the test expects is not in it."""
        stdin = test.stdin.encode("utf-8", "surrogateescape") if isinstance(test, StdinTest) else b""
        if self.language == "python":
            return PythonCall(self.source, function, test.arguments if isinstance(test, CallTest) else (), stdin, prelude_for(self.source))
        tools = TOOLCHAINS[self.language]
        files = {tools.binary: self.binary} if tools.compile else {tools.file: self.source.encode()}
        return Command(tools.run, files, stdin)


def check_language(language: str, *, calls_function: bool) -> None:
    """See that programs of a language can be run here.

    Raises:
        ConfigError: it is unknown, its tools are not installed, or it cannot have tests of a function.
    """
    if language not in LABELS:
        raise ConfigError(f"there is no language {language!r}; allowed: {', '.join(LABELS)}")
    if language == "python":
        return
    if calls_function:
        raise ConfigError(f"tests of a function are for Python; programs in {language} read standard input")
    tools = TOOLCHAINS[language]
    needed = (tools.compile or tools.run)[0]
    if shutil.which(needed) is None:
        raise ConfigError(f"programs in {language} need {needed}, which is not installed")


def build(program: Program, session: Session) -> tuple[Program, ExecResult | None]:
    """Compile a program in the sandbox.

    Returns:
        The program, ready to run; and the compiler's result if there is none.
    """
    tools = TOOLCHAINS.get(program.language)
    if tools is None or not tools.compile:
        return program, None
    result = session.run(Command(tools.compile, {tools.file: program.source.encode()}, outputs=(tools.binary,)), COMPILE_LIMITS)
    binary = result.outputs.get(tools.binary, b"")
    return replace(program, binary=binary), None if result.status is ExecStatus.EXITED and result.exit_code == 0 and binary else result


def prelude_for(source: str) -> str:
    """Return imports for the names of the standard library that programs for judges take for granted, of those that the source mentions."""
    words = set(_WORD.findall(source))
    lines = [f"import {name}" for name in _MODULES if name in words]
    lines += [f"from {module} import {', '.join(used)}" for module, names in _IMPORTS if (used := [name for name in names if name in words])]
    return "\n".join(lines)
