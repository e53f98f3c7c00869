"""The local page: a few questions to the library over HTTP, on loopback, behind `proctor.report.guard`."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proctor.errors import ConfigError, ProctorError
from proctor.report import verdicts
from proctor.report.comparison import Side, checked_result, compare
from proctor.report.guard import Guard
from proctor.report.library import Library, Question
from proctor.report.page import STATIC_FILES, index_page, vocabulary
from proctor.report.plain import to_json
from proctor.report.rollout import read_text
from proctor.report.run_files import RunFiles
from proctor.report.store import Key, checked_order
from proctor.report.survey import RunSurvey, Surveyor
from proctor.report.suspicions import suspicions

Answer = Callable[["Asked"], Any]


@dataclass(frozen=True, slots=True)
class RunHead:
    """What the page polls: enough to know whether anything else must be asked again.

    Attributes:
        name: of the run.
        version: grows when its files change, or more of them was surveyed.
        status, reason, silent_s: how it stands.
        num_rollouts: so far.
        num_surveyed, num_files: steps whose rollouts were looked at, and all of them.
        steps: those with rollouts, as ranges `[first, last]`.
    """

    name: str
    version: int
    status: str
    reason: str
    silent_s: float | None
    num_rollouts: int
    num_surveyed: int
    num_files: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and what it is asked of."""

    library: Library
    surveyor: Surveyor
    request: Request
    body: bytes = b""

    def text(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number from the path or the query.

        Raises:
            ConfigError: it is missing or no whole number.
        """
        given = self.request.path_params.get(name, self.request.query_params.get(name))
        if given is None and default is not None:
            return default
        if given is None or not str(given).isdecimal() or len(str(given)) > 9:
            raise ConfigError(f"{name} must be a whole number, not {given!r}")
        return int(given)

    @property
    def run(self) -> RunFiles:
        return self.library.run(self.integer("run"))

    @property
    def survey(self) -> RunSurvey:
        _ = self.run
        return self.surveyor.surveys[self.integer("run")]

    @property
    def key(self) -> Key:
        return Key(self.integer("step"), self.integer("group"), self.integer("index"))

    @property
    def question(self) -> Question:
        step = self.integer("step") if self.text("step") else None
        order = checked_order(self.text("order", "place"))
        return Question(self.text("where"), step, self.text("task") or None, order, self.integer("offset", 0), self.integer("limit", 50))

    def side(self, name: str) -> Side:
        """`<name>` is the run, `<name>_first` and `<name>_last` the steps."""
        return Side(self.library.run(self.integer(name)), self.integer(f"{name}_first", 0), self.integer(f"{name}_last", 999_999_999))


def _heads(asked: Asked) -> list[RunHead]:
    asked.library.refresh()
    return [_head(run, survey) for run, survey in zip(asked.library.runs, asked.surveyor.surveys, strict=True)]


def _head(run: RunFiles, survey: RunSurvey) -> RunHead:
    state = run.state
    return RunHead(
        run.name,
        run.version + survey.version,
        state.status,
        state.reason,
        state.silent_s,
        run.num_rollouts,
        len(survey.steps),
        len(run.steps),
        ranges(run.steps),
    )


def ranges(steps: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ascending steps as first and last of each stretch without a gap."""
    found: list[tuple[int, int]] = []
    for step in steps:
        if found and step == found[-1][1] + 1:
            found[-1] = (found[-1][0], step)
        else:
            found.append((step, step))
    return tuple(found)


def _mark(asked: Asked) -> Any:
    try:
        given = json.loads(asked.body)
        judgement, note = given["judgement"], given["note"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError('a verdict is sent as {"judgement": ..., "note": ...}') from None
    if not isinstance(judgement, str) or not isinstance(note, str):
        raise ConfigError("judgement and note are texts")
    return verdicts.mark(asked.run, asked.library.store, asked.key, judgement, note)


def _text(asked: Asked) -> Any:
    column = "prompt_text" if asked.text("column") == "prompt" else "text"
    return read_text(asked.library.store, asked.run, asked.key, column, asked.integer("offset"))


_ANSWERS: dict[tuple[str, str], Answer] = {
    ("GET", "/api/vocabulary"): lambda asked: vocabulary(),
    ("GET", "/api/runs"): _heads,
    ("GET", "/api/runs/{run}/overview"): lambda asked: asked.library.overview(asked.run, asked.survey),
    ("GET", "/api/runs/{run}/rollouts"): lambda asked: asked.library.page(asked.run, asked.question),
    ("GET", "/api/runs/{run}/count"): lambda asked: asked.library.count(asked.run, asked.question),
    ("GET", "/api/runs/{run}/groups/{step}/{group}"): lambda asked: asked.library.group(asked.run, asked.integer("step"), asked.integer("group")),
    ("GET", "/api/runs/{run}/rollouts/{step}/{group}/{index}"): lambda asked: asked.library.rollout(
        asked.run, asked.key, tokens_offset=asked.integer("tokens", 0)
    ),
    ("GET", "/api/runs/{run}/rollouts/{step}/{group}/{index}/text"): _text,
    ("PUT", "/api/runs/{run}/rollouts/{step}/{group}/{index}/verdict"): _mark,
    ("DELETE", "/api/runs/{run}/rollouts/{step}/{group}/{index}/verdict"): lambda asked: verdicts.unmark(asked.run, asked.key),
    ("GET", "/api/runs/{run}/task"): lambda asked: asked.library.task(
        asked.run, asked.text("id"), asked.integer("first", 0), asked.integer("last", 999_999_999)
    ),
    ("GET", "/api/runs/{run}/suspicions"): lambda asked: suspicions(asked.survey),
    ("GET", "/api/runs/{run}/verdicts"): lambda asked: asked.library.verdicts(asked.run),
    ("GET", "/api/runs/{run}/cases"): lambda asked: verdicts.cases_jsonl(asked.library.verdicts(asked.run)),
    ("GET", "/api/compare"): lambda asked: compare(
        asked.library.store, asked.side("a"), asked.side("b"), result=checked_result(asked.text("result")), limit=asked.integer("limit", 200)
    ),
}


def application(library: Library, surveyor: Surveyor, token: str) -> Guard:
    """The whole ASGI application.

    Args:
        library: to ask.
        surveyor: of the same runs.
        token: that requests must carry.
    """

    def route(method: str, path: str, answer: Answer) -> Route:
        async def read_body(request: Request) -> Response:
            from starlette.concurrency import run_in_threadpool

            body = await request.body() if method == "PUT" else b""
            return await run_in_threadpool(_answered, answer, Asked(library, surveyor, request, body))

        return Route(path, read_body, methods=[method])

    def page(request: Request) -> Response:
        return Response(index_page(), media_type="text/html; charset=utf-8")

    def static(request: Request) -> Response:
        found = STATIC_FILES.get(request.path_params["name"])
        return Response(found.content, media_type=found.media_type) if found else Response("not found", 404, media_type="text/plain")

    routes = [route(method, path, answer) for (method, path), answer in _ANSWERS.items()]
    app = Starlette(routes=[*routes, Route("/", page), Route("/static/{name:path}", static)])
    return Guard(app, token)


def _answered(answer: Answer, asked: Asked) -> Response:
    """The answer as JSON, or its error as JSON."""
    try:
        return Response(to_json(answer(asked)), media_type="application/json")
    except ConfigError as error:
        return Response(to_json({"error": str(error)}), 400, media_type="application/json")
    except ProctorError as error:
        return Response(to_json({"error": str(error)}), 500, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that has its place and waits to be run.

    Attributes:
        address: with the token, for a browser.
        server: to be run by `run`.
        socket: that it listens on.
    """

    address: str
    server: uvicorn.Server
    socket: socket.socket

    def run(self) -> None:
        """Serve until a signal, or until `server.should_exit` is set."""
        self.server.run(sockets=[self.socket])


def listen(library: Library, surveyor: Surveyor, *, port: int) -> Listening:
    """Take a port on 127.0.0.1.

    Args:
        library: to serve.
        surveyor: of the same runs.
        port: 0 takes any that is free.

    Raises:
        ConfigError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)  # from here on the address answers, if only after the server has started
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(f"--port {port} cannot be used ({error}); choose another one, or leave it out to get any that is free") from error
    token = secrets.token_urlsafe(24)
    config = uvicorn.Config(
        application(library, surveyor, token),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    return Listening(f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}", uvicorn.Server(config), listener)
