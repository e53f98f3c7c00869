"""Python calls for sandboxes that only run commands (containers, remote runners): the call becomes a script and its data.

The script is sent with the codec; the claim comes back as a file, framed as on the result pipe of the local layers, and
is as little trusted.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from proctor.sandbox.base import Command, ExecLimits, ExecResult, Layer, PythonCall, Sandbox
from proctor.sandbox.encoding import encode

CLAIM_FILE = "claim"
ARGV = ("env", "PYTHONHASHSEED=0", "python3", "-s", "-B", "once.py")
SCRIPT = """
import sys
from encoding import decode, encode
with open("job", "rb") as file:
    job = decode(file.read())
names = {"__name__": "__main__", "__file__": "solution.py"}
def report(key, content):
    body = encode({"nonce": job["nonce"], key: content})
    with open("claim", "wb") as file:
        file.write(len(body).to_bytes(8, "big") + body)
def find(name):
    return names[name] if name in names else getattr(names["Solution"](), name)
sys.argv = ["solution.py"]
try:
    exec(compile(job["prelude"], "prelude.py", "exec", dont_inherit=True), names)
    exec(compile(job["source"], "solution.py", "exec", dont_inherit=True), names)
    if job["function"] is not None:
        report("value", find(job["function"])(*job["arguments"]))
except Exception as error:
    if job["function"] is not None:
        report("raised", type(error).__name__)
    raise
"""


def as_command(job: PythonCall, nonce: str) -> Command:
    """Return the command that runs a Python call in a directory of its own."""
    content = {
        "nonce": nonce,
        "prelude": job.prelude,
        "source": job.source,
        "function": job.function,
        "arguments": job.arguments,
    }
    files = {"once.py": SCRIPT.encode(), "encoding.py": _codec(), "job": encode(content)}
    return Command(ARGV, files, job.stdin, (CLAIM_FILE,))


@cache
def _codec() -> bytes:
    return Path(__file__).with_name("encoding.py").read_bytes()


class ColdSession:
    """A session of a sandbox that has nothing warm: every job starts anew."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def layer(self) -> Layer:
        return self._sandbox.layer

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job in a fresh sandbox."""
        return self._sandbox.run(job, limits)

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()
