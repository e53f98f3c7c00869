"""What a curation did: records, and their writing as JSON and as one HTML file that needs nothing else.

Prompts come from anywhere: everything is escaped, and the page runs no script and loads nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

MAX_EXAMPLES = 5
MAX_CHARS = 400


@dataclass(frozen=True, slots=True)
class Example:
    """A row that went.

    Attributes:
        place: where it stood: file and line.
        prompt: its beginning.
        answer: its beginning, as JSON.
        detail: what the filter said of it.
        other: place and prompt of the row that it repeats; empty where there is none.
    """

    place: str
    prompt: str = ""
    answer: str = ""
    detail: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one filter did.

    Attributes:
        kind: of filter; "read" for reading the sources.
        arguments: as resolved.
        num_in: rows before.
        num_out: rows after.
        removed: reason -> rows.
        examples: reason -> the first rows that went for it.
        added: columns that it added.
        seconds: it took, when it ran.
        is_cached: the result of an earlier run was used.
    """

    kind: str
    arguments: Mapping[str, Any]
    num_in: int
    num_out: int
    removed: Mapping[str, int]
    examples: Mapping[str, Sequence[Example]]
    added: tuple[str, ...] = ()
    seconds: float = 0.0
    is_cached: bool = False

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Stage:
        """What `dataclasses.asdict` made plain."""
        examples = {reason: tuple(Example(**example) for example in listed) for reason, listed in plain["examples"].items()}
        return cls(**{**plain, "examples": examples, "added": tuple(plain["added"])})


@dataclass(frozen=True, slots=True)
class CurationReport:
    """Everything that a curation says.

    Attributes:
        output: the file written.
        sha256: of its content.
        sources: source -> which column became what.
        num_rows: in the output.
        stages: in order.
        columns: column that a filter added -> value or range -> rows of the output.
    """

    output: str
    sha256: str
    sources: Mapping[str, str]
    num_rows: int
    stages: tuple[Stage, ...]
    columns: Mapping[str, Mapping[str, int]]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def as_json(report: CurationReport) -> str:
    """The report as JSON, in ASCII."""
    return json.dumps(report.as_dict(), indent=2) + "\n"


def lines(report: CurationReport) -> Iterator[str]:
    """The report for a terminal: one line a stage, then the reasons. Texts of rows are left out."""
    for stage in report.stages:
        cached = "cached" if stage.is_cached else f"{stage.seconds:.1f} s"
        added = f", adds {', '.join(stage.added)}" if stage.added else ""
        yield f"{stage.kind:<18} {stage.num_in:>9} -> {stage.num_out:<9} ({cached}{added})"
        for reason, count in stage.removed.items():
            yield f"{'':<18} {-count:>9}  {reason}"
    yield f"{report.num_rows} rows in {report.output}"


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0;background:#f6f6f4;padding:.4rem .6rem}
details{margin:.4rem 0}summary{cursor:pointer}.bar{display:inline-block;height:.7rem;background:#0072b2}.small{color:#666;font-size:.87rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}pre{background:#242424}td,th{border-color:#3a3a3a}.small{color:#aaa}}
"""


def as_html(report: CurationReport) -> str:
    """The report as one page."""
    body = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Curation of {escape(report.output)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Curation of {escape(report.output)}</h1>",
        f"<p>{report.num_rows:,} rows of {report.stages[0].num_in:,}. <span class=small>SHA-256 {escape(report.sha256)}</span></p>",
        "<table><tr><th>source<th>columns</tr>",
        *(f"<tr><td>{escape(source)}<td>{escape(mapping)}</tr>" for source, mapping in report.sources.items()),
        "</table><h2>What each filter removed</h2><table><tr><th>filter<th>before<th>removed<th>after<th></tr>",
        *(_row(number, stage, report.stages[0].num_in) for number, stage in enumerate(report.stages)),
        "</table>",
        *(part for number, stage in enumerate(report.stages) for part in _stage(number, stage)),
        *(part for column, counts in report.columns.items() for part in _column(column, counts)),
        "</body></html>\n",
    ]
    return "\n".join(body)


def _row(number: int, stage: Stage, total: int) -> str:
    width = 100 * stage.num_out / max(1, total)
    gone = f"<td class=n>{stage.num_in:,}<td class=n>{stage.num_in - stage.num_out:,}<td class=n>{stage.num_out:,}"
    return f'<tr><td><a href="#stage-{number}">{escape(stage.kind)}</a>{gone}<td><span class=bar style="width:{width:.1f}px"></span></tr>'


def _stage(number: int, stage: Stage) -> Iterator[str]:
    arguments = ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}" for name, value in stage.arguments.items())
    took = "from the cache; " if stage.is_cached else ""
    yield f'<h3 id="stage-{number}">{escape(stage.kind)}</h3><p class=small>{escape(arguments)} ({took}{stage.seconds:.1f} s)</p>'
    for reason, count in stage.removed.items():
        yield f"<details><summary>{count:,}: {escape(reason)}</summary>"
        for example in stage.examples.get(reason, ()):
            yield f"<p class=small>{escape(example.place)}{': ' if example.detail else ''}{escape(example.detail)}</p>"
            yield f"<pre>{escape(example.prompt)}</pre>" if example.prompt else ""
            yield f"<p class=small>answer: {escape(example.answer)}</p>" if example.answer else ""
            yield f"<p class=small>beside:</p><pre>{escape(example.other)}</pre>" if example.other else ""
        yield "</details>"


def _column(column: str, counts: Mapping[str, int]) -> Iterator[str]:
    most = max(counts.values(), default=1)
    yield f"<h3>{escape(column)}</h3><table>"
    for value, count in counts.items():
        yield f'<tr><td>{escape(value)}<td class=n>{count:,}<td><span class=bar style="width:{200 * count / most:.1f}px"></span></tr>'
    yield "</table>"


def shortened(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]} ... ({len(text) - MAX_CHARS} more characters)"
