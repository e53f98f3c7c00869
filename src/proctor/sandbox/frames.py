"""What passes between a sandbox and its harness: the harness's own code, jobs, and length-prefixed frames."""

from __future__ import annotations

import marshal
from functools import cache
from pathlib import Path
from typing import Any

from proctor.errors import SandboxError
from proctor.sandbox.base import Command, ExecLimits, PythonCall
from proctor.sandbox.encoding import decode

MAX_REPLY_BYTES = 1 << 28
MODULES = ("confine", "directories", "encoding", "inside")
BOOT = """
import marshal, os, sys
def take(count, fd=int(sys.argv[1])):
    found = b""
    while len(found) < count:
        found += os.read(fd, count - len(found)) or sys.exit(1)
    return found
for name, code in marshal.loads(take(int.from_bytes(take(8), "big"))):
    module = sys.modules[name] = type(sys)(name)
    exec(code, module.__dict__)
sys.modules["proctor.sandbox.inside"].main()
"""


def encode_job(job: Command | PythonCall, limits: ExecLimits, nonce: str) -> bytes:
    """Return a job as the harness reads it.

    Raises:
        SandboxError: a path leads out of the work directory, or an argument is not plain data.
    """
    bounds = {
        "cpu_s": max(1, -int(-limits.cpu_s // 1)),
        "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes,
        "num_processes": limits.num_processes,
        "num_files": limits.num_files,
    }
    common: dict[str, Any] = {"limits": bounds, "nonce": nonce, "stdin": job.stdin}
    if isinstance(job, Command):
        for name in (*job.files, *job.outputs):
            if not name or Path(name).is_absolute() or ".." in Path(name).parts:
                raise SandboxError(f"a file of a sandboxed program must have a relative path inside its directory, not {name!r}")
        return marshal.dumps(common | {"argv": list(job.argv), "files": dict(job.files), "outputs": list(job.outputs), "source": ""})
    call = {"source": job.source, "prelude": job.prelude, "function": job.function, "arguments": job.arguments}
    try:
        return marshal.dumps(common | call | {"argv": [], "files": {}, "outputs": []})
    except ValueError as error:
        raise SandboxError(f"an argument of a sandboxed call is not plain data: {error}") from error


def frame(body: bytes) -> bytes:
    """Put the length before a message."""
    return len(body).to_bytes(8, "big") + body


def whole_frame(received: bytearray) -> dict[str, Any] | None:
    """Return the harness's answer, once all of it is there.

    Raises:
        ValueError: it is none.
    """
    size = int.from_bytes(received[:8], "big")
    if len(received) >= 8 and size > MAX_REPLY_BYTES:
        raise ValueError(f"an answer of {size} bytes")
    if len(received) < 8 or len(received) < 8 + size:
        return None
    reply = decode(bytes(received[8:]))
    kinds = ({"ready"}, {"failed"}, {"status", "cpu_s", "outputs", "is_clean"})
    if not isinstance(reply, dict) or not any(kind <= reply.keys() for kind in kinds):
        raise ValueError("no answer")
    return reply


@cache
def bundle() -> bytes:
    """The code of the harness, for an interpreter that sees no file of ours."""
    sources = {f"proctor.sandbox.{name}": Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    return marshal.dumps([(name, compile(source, f"<{name}>", "exec", dont_inherit=True)) for name, source in sources.items()])
