"""Models that judge: any OpenAI-compatible endpoint, or a model in this process behind the `Sampler` protocol.

A chat model here only turns messages into text. It is never given tools, and nothing it returns is run.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from proctor.core.messages import Message
from proctor.engines.base import Sampler, SampleRequest, Sampling, rollout_seed
from proctor.errors import ConfigError, EngineError, VerifierError

MAX_REPLY_BYTES = 1 << 20
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class Unreachable(Exception):
    """The model did not answer, for a reason that the messages did not cause."""


class ChatModel(Protocol):
    """Turns a conversation into the next message."""

    def complete(self, messages: Sequence[Message], *, seed: int) -> str:
        """Return the model's reply.

        Raises:
            Unreachable: there was none, after every retry.
            VerifierError: the request itself is wrong (an unknown model, a missing key).
        """
        ...


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """`POST {url}/chat/completions`, with retries within a budget of time and, optionally, replies kept on the disk.

    Attributes:
        url: base of the API, as in `http://localhost:8000/v1`.
        model: as the endpoint calls it.
        key_variable: environment variable with the key; the key itself is never stored.
        temperature: 0 for verdicts that can be repeated.
        max_tokens: of one reply, its reasoning included.
        budget_s: wall seconds for one reply, retries and pauses included. Keep it under `scoring.timeout_s`: a worker that is killed
            holds the delay against the completion, an endpoint that is down must not be.
        num_tries: at most.
        cache_dir: directory of replies by request; None keeps none.
    """

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    temperature: float = 0.0
    max_tokens: int = 1024
    budget_s: float = 8.0
    num_tries: int = 3
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).netloc:
            raise ConfigError(f"the judge's url must be like http://localhost:8000/v1, not {self.url!r}")
        if not self.budget_s > 0 or self.num_tries < 1 or self.max_tokens < 1:
            raise ConfigError("budget_s, num_tries and max_tokens of the judge must be positive")

    def complete(self, messages: Sequence[Message], *, seed: int) -> str:
        """Return the reply, from the disk where the same request was answered before."""
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": seed,
        }
        place = self._place(body)
        if place is not None and (kept := _read_kept(place)) is not None:
            return kept
        reply = self._ask(json.dumps(body).encode())
        if place is not None:
            _keep(place, reply)
        return reply

    def _ask(self, body: bytes) -> str:
        deadline = time.monotonic() + self.budget_s
        problem = "no time left"
        for attempt in range(self.num_tries):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return self._post(body, left)
            except Unreachable as unreachable:
                problem = str(unreachable)
            time.sleep(max(0.0, min(0.25 * 2**attempt, deadline - time.monotonic())) if attempt + 1 < self.num_tries else 0)
        raise Unreachable(f"{self.url} did not answer: {problem}")

    def _post(self, body: bytes, timeout_s: float) -> str:
        key = os.environ.get(self.key_variable)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", data=body, headers=headers, method="POST")
        try:
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s) as response:
                return _content(response.read(MAX_REPLY_BYTES + 1))
        except urllib.error.HTTPError as error:
            with error:
                detail = error.read(300).decode("utf-8", "replace")
            if error.code in _RETRIED:
                raise Unreachable(f"status {error.code}") from None
            raise VerifierError(f"the judge at {self.url} refuses the request: status {error.code}: {detail}") from None
        except (OSError, http.client.HTTPException) as error:  # refused, reset, timed out, cut off
            raise Unreachable(f"{type(error).__name__}: {error}") from None

    def _place(self, body: dict[str, Any]) -> Path | None:
        if self.cache_dir is None:
            return None
        digest = hashlib.sha256(json.dumps([self.url, body], sort_keys=True).encode()).hexdigest()
        return Path(self.cache_dir).expanduser() / digest[:2] / f"{digest}.json"


def _content(raw: bytes) -> str:
    """The text of the first choice."""
    if len(raw) > MAX_REPLY_BYTES:
        raise Unreachable(f"a reply of more than {MAX_REPLY_BYTES} bytes")
    try:
        content = json.loads(raw)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise Unreachable("a reply that is no chat completion") from None
    if not isinstance(content, str):
        raise Unreachable("a reply without text")
    return content


def _read_kept(place: Path) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(place.read_text("utf-8"))["reply"])
    return None


def _keep(place: Path, reply: str) -> None:
    """Write a reply so that a reader sees all of it or nothing; a full disk costs the cache, not the verdict."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
        partial.write_text(json.dumps({"reply": reply}), "utf-8")
        partial.replace(place)


@dataclass(frozen=True, slots=True)
class SamplerModel:
    """A model in this process. It cannot be sent to a worker: use it with `scoring.in_process`, or outside of training.

    Attributes:
        sampler: any engine.
        render: messages to the ids that the model reads, as `Renderer.prompt_ids`.
        sampling: greedy unless told otherwise.
    """

    sampler: Sampler
    render: Callable[[Sequence[Message]], tuple[int, ...]]
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.0, max_completion_tokens=1024))

    def complete(self, messages: Sequence[Message], *, seed: int) -> str:
        """Return the model's reply."""
        request = SampleRequest(tuple(self.render(messages)), (rollout_seed("judge", seed),))
        try:
            return _run(self.sampler, request, self.sampling)
        except EngineError as error:
            raise Unreachable(str(error)) from error


def _run(sampler: Sampler, request: SampleRequest, sampling: Sampling) -> str:
    async def sample() -> str:
        return (await sampler.sample([request], sampling))[0][0].text

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(sample())
    with ThreadPoolExecutor(1) as thread:  # called from a coroutine, whose loop cannot be entered again
        return thread.submit(asyncio.run, sample()).result()
