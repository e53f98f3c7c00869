"""The server as a browser, and as an attacker, meets it: over a real socket."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import ConfigError
from proctor.report.library import Library
from proctor.report.page import STATIC_FILES
from proctor.report.server import Listening, listen, ranges
from proctor.report.survey import Surveyor


@dataclass(slots=True)
class Served:
    """A running server and a client that speaks to it."""

    listening: Listening
    path: Path
    cookie: str = ""

    @property
    def port(self) -> int:
        return self.listening.socket.getsockname()[1]

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body=body, headers={name: value for name, value in sent.items() if value})
            response = connection.getresponse()
            return response.status, response.msg, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        status, _, content = self.ask(path)
        assert status == 200, content
        return json.loads(content)


@pytest.fixture
def served(small: Library, small_path: Path) -> Iterator[Served]:
    surveyor = Surveyor(small.store, small.runs, small.refresh)
    listening = listen(small, surveyor, port=0)
    thread = threading.Thread(target=listening.run)
    thread.start()
    client = Served(listening, small_path)
    try:
        _, headers, _ = client.ask(listening.address.partition(str(client.port))[2])
        client.cookie = headers["Set-Cookie"].split(";")[0]
        yield client
    finally:
        listening.server.should_exit = True
        thread.join()
        surveyor.close()
        listening.socket.close()


def test_the_page_and_its_files(served: Served) -> None:
    status, headers, content = served.ask("/")
    assert status == 200 and b'id="app"' in content
    for name, file in STATIC_FILES.items():
        status, headers, content = served.ask(f"/static/{name}")
        assert (status, headers["Content-Type"], content) == (200, file.media_type, file.content)
    assert {"js/app.js", "style.css", "vendor/uplot/uPlot.iife.min.js"} <= set(STATIC_FILES)


def test_nothing_answers_without_the_token(served: Served) -> None:
    served.cookie = ""
    for path in ("/", "/?token=wrong", "/?token=", "/api/runs", "/static/style.css", f"/api/runs?{served.listening.address.partition('?')[2]}"):
        status, _, content = served.ask(path)
        assert status == 401 and b"token" in content, path
    served.cookie = "proctor_view_00000000=x; other=\x01"
    assert served.ask("/api/runs")[0] == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(served: Served) -> None:
    _, headers, _ = served.ask(served.listening.address.partition(str(served.port))[2])
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "localhost.evil", "", "[::1"])
def test_another_host_name_is_refused(served: Served, host: str) -> None:
    assert served.ask("/api/runs", Host=host or " ")[0] in (400, 421)


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "[::1]:80"])
def test_loopback_names_on_any_port_are_ours(served: Served, host: str) -> None:
    assert served.ask("/api/runs", Host=host)[0] == 200  # a forwarded port has another number


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_requests_of_other_origins_are_refused(served: Served, origin: str) -> None:
    assert served.ask("/api/runs", Origin=origin)[0] == 403


def test_our_own_origin_is_welcome(served: Served) -> None:
    assert served.ask("/api/runs", Origin=f"http://127.0.0.1:{served.port}", Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_requests_that_another_site_caused_are_refused(served: Served, site: str) -> None:
    assert served.ask("/api/runs", Sec_Fetch_Site=site)[0] == 403
    assert served.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")[0] == 403
    assert served.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 200  # a link in a notebook or a terminal in the browser


@pytest.mark.parametrize("path", ["/", "/api/runs", "/static/style.css", "/nowhere", "/api/runs/9/overview"])
def test_every_answer_carries_the_policy(served: Served, path: str) -> None:
    headers = served.ask(path)[1]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer" and headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static//etc/passwd",
        "/static/js",
        "/static/vendor/uplot/LICENSE",
        "/static/\\..\\server.py".replace("\\", "%5c"),
    ],
)
def test_only_the_files_of_the_page_can_be_named(served: Served, path: str) -> None:
    assert served.ask(path)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/1/overview",
        "/api/runs/-1/overview",
        "/api/runs/..%2f..%2fetc/overview",
        "/api/runs/0/rollouts/0/0/99",
        "/api/runs/99999999999999999999/overview",
        "/api/runs/0/rollouts?limit=-1",
        "/api/runs/0/rollouts?step=x",
        "/api/runs/0/rollouts?order=;",
        "/api/runs/0/rollouts?where=reward%20%3E",
        "/api/compare?a=0",
    ],
)
def test_a_wrong_request_is_one_clear_message(served: Served, path: str) -> None:
    status, headers, content = served.ask(path)
    assert status in (400, 404)
    if status == 400:
        assert headers["Content-Type"] == "application/json" and len(json.loads(content)["error"]) > 10


def test_the_questions(served: Served, small: Library) -> None:
    (head,) = served.get("/api/runs")
    assert (head["name"], head["status"], head["num_rollouts"], head["steps"]) == ("small", "running", 4, [[0, 0]])
    rows = served.get("/api/runs/0/rollouts?where=reward%20%3E%200.4&order=reward_desc")
    assert [row["key"] for row in rows] == [{"step": 0, "group": 0, "index": 0}, {"step": 0, "group": 1, "index": 1}]
    assert served.get("/api/runs/0/count?where=outcome%20%3D%20error") == 1
    assert served.get("/api/runs/0/rollouts/0/0/0")["text"] == {"text": "the answer is 4", "offset": 0, "num_characters": 15}
    assert served.get("/api/runs/0/rollouts/0/0/0/text?column=text&offset=11") == {"text": "is 4", "offset": 11, "num_characters": 15}
    assert len(served.get("/api/runs/0/groups/0/1")) == 2 and len(served.get("/api/runs/0/task?id=sum-1")) == 4
    assert {entry["name"] for entry in served.get("/api/runs/0/suspicions")} >= {"verifier_error", "reward_jump"}
    assert served.get("/api/compare?a=0&b=0")["tasks"][0]["task_id"] == "sum-1"
    assert served.get("/api/vocabulary")["charts"][0]["healthy"]
    assert str(small.runs[0].path) not in json.dumps([served.get(f"/api/runs{path}") for path in ("", "/0/overview", "/0/suspicions")])


def test_marking(served: Served) -> None:
    place = "/api/runs/0/rollouts/0/0/0/verdict"
    body = json.dumps({"judgement": "wrongly_rewarded", "note": "<b>no</b>"}).encode()
    assert served.ask(place, "PUT", body, Content_Type="application/json")[0] == 200
    assert [verdict["note"] for verdict in served.get("/api/runs/0/verdicts")] == ["<b>no</b>"]
    assert json.loads(served.get("/api/runs/0/cases"))["expected"] == "INCORRECT"
    assert (served.path / "verdicts" / "verdicts.jsonl").exists()
    assert served.ask(place, "DELETE", b"{}", Content_Type="application/json")[0] == 200
    assert served.get("/api/runs/0/verdicts") == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"judgement": 1, "note": ""}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"x" * 70_000, "application/json", 415),
    ],
)
def test_what_is_no_verdict_is_refused(served: Served, body: bytes, kind: str, status: int) -> None:
    assert served.ask("/api/runs/0/rollouts/0/0/0/verdict", "PUT", body, Content_Type=kind)[0] == status
    assert not (served.path / "verdicts").exists()


def test_a_taken_port_is_one_message(served: Served, small: Library) -> None:
    surveyor = Surveyor(small.store, [], small.refresh)
    with pytest.raises(ConfigError, match=f"--port {served.port} cannot be used"):
        listen(small, surveyor, port=served.port)
    surveyor.close()


def test_it_listens_on_loopback_only(served: Served) -> None:
    assert served.listening.socket.getsockname()[0] == "127.0.0.1"


def test_ranges_of_steps() -> None:
    assert ranges([]) == () and ranges([3]) == ((3, 3),) and ranges([0, 1, 2, 5, 7, 8]) == ((0, 2), (5, 5), (7, 8))
