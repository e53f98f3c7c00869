"""Who may talk to the viewer: this machine's user, through the page that the viewer itself served.

The server listens on loopback only, which every process and every web page on the machine can reach. So each request must carry the random
token (in the address once, in a cookie after), must be addressed to a loopback name (a page elsewhere can point its own name at
127.0.0.1), and must not come from another origin.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_MAX_BODY_BYTES = 64 * 1024

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware that refuses every request that is not ours, and writes the security headers on every answer.

    Attributes:
        app: behind it.
        token: that requests must carry.
    """

    app: ASGIApp
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it here."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if _token_in_address(scope) and message["status"] == 200:
                    headers.append("Set-Cookie", f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    @property
    def cookie(self) -> str:
        """Named after the token: cookies of a host are shared by all its ports."""
        return f"proctor_view_{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _host_name(host) not in _LOOPBACK_NAMES:
            return PlainTextResponse("The viewer answers on 127.0.0.1 and localhost only.", 421)
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return PlainTextResponse("Requests from other origins are refused.", 403)
        is_first_load = scope["path"] == "/" and headers.get("sec-fetch-mode", "navigate") == "navigate"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_first_load:
            return PlainTextResponse("Requests from other sites are refused.", 403)
        if not self._is_known(scope, headers):
            return PlainTextResponse("This address lacks its token: open the one that `proctor view` printed.", 401)
        if scope["method"] not in ("GET", "HEAD") and not _small_json(headers):
            return PlainTextResponse(f"A change is sent as JSON of at most {_MAX_BODY_BYTES} bytes.", 415)
        return None

    def _is_known(self, scope: Scope, headers: Headers) -> bool:
        given = [_token_in_address(scope)] if scope["path"] == "/" else []
        cookies = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            return False
        if self.cookie in cookies:
            given.append(cookies[self.cookie].value)
        return any(secrets.compare_digest(value.encode(), self.token.encode()) for value in given)


def _token_in_address(scope: Scope) -> str:
    if scope["path"] != "/":
        return ""
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _small_json(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return headers.get("content-type", "").split(";")[0] == "application/json" and length.isdecimal() and int(length) <= _MAX_BODY_BYTES
