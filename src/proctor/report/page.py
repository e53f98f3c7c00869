"""The front end as files of the package: served one by one, or put together into one page that needs nothing else.

There is no build step. The scripts are ES modules; for the single page they are joined in order of their imports, which works because their
top-level names are distinct (a test says so).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from proctor.report.charts import CHARTS
from proctor.report.plain import to_script_json
from proctor.report.query import FIELDS
from proctor.report.rules import ROLLOUT_RULES
from proctor.report.store import ORDERS

_MEDIA_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_ENTRY = "js/app.js"
_CHART_SCRIPT = "vendor/uplot/uPlot.iife.min.js"
_STYLES = ("vendor/uplot/uPlot.min.css", "style.css")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<name>[\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the front end."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the page knows beforehand: charts, search fields, rules, orders."""

    charts: tuple[Any, ...]
    fields: tuple[tuple[str, str, str], ...]
    flags: tuple[tuple[str, str], ...]
    orders: tuple[str, ...]


def vocabulary() -> Vocabulary:
    """The same for every run."""
    known = tuple((name, field.kind, field.meaning) for name, field in FIELDS.items())
    return Vocabulary(CHARTS, known, tuple((rule.name, rule.title) for rule in ROLLOUT_RULES.values()), ORDERS)


def _read_all(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, StaticFile]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read_all(entry, f"{prefix}{entry.name}/")
        elif (kind := _MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None:
            yield f"{prefix}{entry.name}", StaticFile(entry.read_bytes(), kind)


_WEB = files("proctor.report") / "web"
STATIC_FILES: Mapping[str, StaticFile] = dict(_read_all(_WEB))
"""Everything that the server may serve, by name: a request can name one of these and nothing else."""


def index_page() -> str:
    """The page of the server."""
    links = "".join(f'<link rel="stylesheet" href="/static/{name}">\n' for name in _STYLES)
    scripts = f'<script src="/static/{_CHART_SCRIPT}"></script>\n<script type="module" src="/static/{_ENTRY}"></script>\n'
    return _skeleton(links + scripts, "")


def single_page(data: Any) -> str:
    """A page that carries its scripts, its styles and `data`, and may ask for nothing.

    Its policy allows exactly these scripts and styles by their hashes, so that even a mistake in escaping could run nothing.
    """
    styles = [_text(name) for name in _STYLES]
    scripts = [_text(_CHART_SCRIPT), joined_modules()]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {' '.join(map(_hash, styles))}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n' + "".join(f"<style>{style}</style>\n" for style in styles)
    body = (
        f'<script type="application/json" id="data">{to_script_json(data)}</script>\n'
        f'<script>{scripts[0]}</script>\n<script type="module">{scripts[1]}</script>\n'
    )
    return _skeleton(head, body)


def joined_modules() -> str:
    """All modules in one script, each after those that it imports."""
    done: list[str] = []

    def add(name: str) -> None:
        if name not in done:
            for imported in _IMPORT.finditer(_text(name)):
                add(f"js/{imported['name']}")
            done.append(name)

    add(_ENTRY)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(name))) for name in done)


def _text(name: str) -> str:
    return STATIC_FILES[name].content.decode()


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _skeleton(head: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Proctor</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n{head}</head>\n'
        f'<body>\n<div id="app"></div>\n'
        f"<noscript>This page needs scripts; `proctor view --text` shows the same in a terminal.</noscript>\n{body}</body>\n</html>\n"
    )
