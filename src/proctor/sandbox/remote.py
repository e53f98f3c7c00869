"""Programs on another machine, over the HTTP interface of SandboxFusion (L3).

Tested against a local stand-in; not shown on a real service. How well the service isolates is its operator's affair: what
comes back is treated as the program's claim, and a service that fails is nobody's fault but its own.

Source: SandboxFusion, POST /run_code (fields as documented by the project).
"""

from __future__ import annotations

import base64
import json
import math
import secrets
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proctor.errors import ConfigError
from proctor.sandbox.base import MEBIBYTE, Command, ExecLimits, ExecResult, ExecStatus, Layer, PythonCall
from proctor.sandbox.once import CLAIM_FILE, ColdSession, as_command

NETWORK_S = 30.0
NUM_TRIES = 3
STDIN_FILE = ".stdin"


@dataclass(frozen=True, slots=True)
class RemoteSandbox:
    """Runs each job by one request.

    Attributes:
        url: of the service, without the path.
        limits: where a job names none.
        backoff_s: wait before the second try; doubled before the third.
    """

    url: str
    limits: ExecLimits = field(default_factory=ExecLimits)
    backoff_s: float = 0.5

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(f"the address of a remote sandbox starts with http:// or https://, not {self.url!r}")

    @property
    def layer(self) -> Layer:
        return Layer.REMOTE

    def session(self) -> ColdSession:
        """Return a session in which every job is a request of its own."""
        return ColdSession(self)

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job; a service that cannot be reached or answers nonsense is asked again, then UNAVAILABLE."""
        bounds, nonce = limits or self.limits, secrets.token_hex(8)
        command = as_command(job, nonce) if isinstance(job, PythonCall) else job
        body = json.dumps(request(command, bounds)).encode()
        began, reason = time.monotonic(), ""
        for attempt in range(NUM_TRIES):
            if attempt:
                time.sleep(self.backoff_s * 2 ** (attempt - 1))
            try:
                reply = self._post(body, bounds)
                return read_reply(reply, bounds, nonce, time.monotonic() - began, is_call=isinstance(job, PythonCall))
            except (OSError, ValueError, RecursionError) as error:  # urllib's errors are OSErrors
                reason = f"{type(error).__name__}: {error}"
        return ExecResult(ExecStatus.UNAVAILABLE, Layer.REMOTE, reason=f"the remote sandbox {self.url} failed {NUM_TRIES} times; last: {reason[:300]}")

    def _post(self, body: bytes, limits: ExecLimits) -> Any:
        request = urllib.request.Request(f"{self.url.rstrip('/')}/run_code", body, {"Content-Type": "application/json"})
        most = 8 * (limits.output_bytes + limits.file_bytes) + MEBIBYTE
        with urllib.request.urlopen(request, timeout=limits.wall_s + NETWORK_S) as response:
            received = response.read(most + 1)
        if len(received) > most:
            raise ValueError(f"a reply of more than {most} bytes")
        return json.loads(received)


def request(command: Command, limits: ExecLimits) -> dict[str, Any]:
    """Return the body of the request for one command: a shell line, with standard input in a file, because the field for it is text."""
    files = {STDIN_FILE: command.stdin, **command.files}
    return {
        "language": "bash",
        "code": f"exec {shlex.join(command.argv)} < {STDIN_FILE}",
        "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
        "fetch_files": list(command.outputs),
        "compile_timeout": math.ceil(limits.wall_s),
        "run_timeout": math.ceil(limits.wall_s),
        "memory_limit_MB": limits.memory_bytes // MEBIBYTE,
    }


def read_reply(reply: Any, limits: ExecLimits, nonce: str, wall_s: float, *, is_call: bool) -> ExecResult:
    """Read the service's answer.

    Raises:
        ValueError: it is malformed, or says that the service itself failed.
    """
    if not isinstance(reply, Mapping) or reply.get("status") not in ("Success", "Failed"):
        message = reply.get("message") if isinstance(reply, Mapping) else reply
        raise ValueError(f"the service failed: {str(message)[:200]}")
    run = reply.get("run_result")
    if not isinstance(run, Mapping) or run.get("status") not in ("Finished", "TimeLimitExceeded"):
        raise ValueError(f"the service did not run the program: {str(run)[:200]}")
    out, err = (str(run.get(name) or "").encode("utf-8", "surrogatepass") for name in ("stdout", "stderr"))
    files = {} if reply.get("files") is None else reply["files"]
    if not isinstance(files, Mapping):
        raise ValueError("the files of the reply are malformed")
    outputs = {str(name): base64.b64decode(str(content), validate=True) for name, content in files.items() if content}
    claim = outputs.pop(CLAIM_FILE, b"") if is_call else b""
    if run["status"] == "TimeLimitExceeded":
        return ExecResult(ExecStatus.TIMEOUT, Layer.REMOTE, None, out, err, wall_s=wall_s, reason="the time limit passed")
    if len(out) + len(err) > limits.output_bytes or len(claim) > limits.output_bytes:
        return ExecResult(ExecStatus.OUTPUT, Layer.REMOTE, wall_s=wall_s, reason=f"more than {limits.output_bytes} bytes of output")
    code = run.get("return_code")
    if type(code) is not int:
        raise ValueError("the reply has no return code")
    status = ExecStatus.EXITED if code >= 0 else ExecStatus.SIGNALED
    return ExecResult(status, Layer.REMOTE, code, out, err, claim, nonce, outputs, wall_s, reason="" if code >= 0 else f"killed by signal {-code}")
