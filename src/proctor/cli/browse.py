"""`proctor view --text`: the same runs in a terminal. Model text is drawn as plain text with its control characters by name."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from proctor.errors import ConfigError, ProctorError
from proctor.report.library import Library, Question
from proctor.report.overview import Overview, overview
from proctor.report.rollout import RolloutView
from proctor.report.run_files import RunFiles
from proctor.report.store import Key, Row
from proctor.report.survey import RunSurvey, survey_whole
from proctor.report.suspicions import Suspicion, suspicions

_BARS = "▁▂▃▄▅▆▇█"
_PAGE = 15
_SHOWN_CHARACTERS = 4000
_HELP = "number: open · STEP/GROUP/INDEX: open · n, p: page · /SEARCH: search · step N, all · order NAME · o: overview · s: suspicions · r N: run · q: quit"


@dataclass(slots=True)
class _Place:
    """Where the reader is."""

    run: int
    question: Question
    rows: Sequence[Row] = ()


def browse(library: Library, options: argparse.Namespace) -> int:
    """Print the overview and the first page; then, in a terminal, answer commands until `q`."""
    console = Console()
    place = _Place(0, Question(search=options.where, limit=_PAGE))
    surveys: dict[int, RunSurvey] = {}
    for number, run in enumerate(library.runs):
        surveys[number] = survey_whole(library.store, run)
        console.print(overview_panel(run, overview(run, surveys[number])))
        console.print(suspicions_table(suspicions(surveys[number])))
    if options.where:  # a search that cannot be read ends here, with its message
        library.count(library.run(0), place.question)
    _show_page(console, library, place)
    while sys.stdin.isatty():
        try:
            command = console.input("[bold]proctor>[/bold] ").strip()
        except EOFError:
            return 0
        if command in ("q", "quit", "exit"):
            return 0
        try:
            _answer(console, library, place, surveys, command)
        except ProctorError as error:
            console.print(Text(str(error), style="red"))
    return 0


def _answer(console: Console, library: Library, place: _Place, surveys: dict[int, RunSurvey], command: str) -> None:
    """One command. Raises ProctorError for one that cannot be carried out."""
    library.refresh()
    word, _, rest = command.partition(" ")
    run, question = library.run(place.run), place.question
    if command.isdecimal() and int(command) < len(place.rows):
        console.print(rollout_view(library.rollout(run, place.rows[int(command)].key)))
        return
    if command.count("/") == 2 and all(part.isdecimal() for part in command.split("/")):
        console.print(rollout_view(library.rollout(run, Key(*(int(part) for part in command.split("/"))))))
        return
    if word in ("o", "s"):
        while surveys.setdefault(place.run, RunSurvey()).advance(library.store, run.files):
            pass
        console.print(overview_panel(run, overview(run, surveys[place.run])) if word == "o" else suspicions_table(suspicions(surveys[place.run])))
        return
    place.question = _asked(question, command, word, rest)
    if word == "r" and rest.isdecimal():
        library.run(int(rest))
        place.run, place.question = int(rest), Question(limit=_PAGE)
    _show_page(console, library, place)


def _asked(question: Question, command: str, word: str, rest: str) -> Question:
    """The question that a command turns another into."""
    from proctor.report.store import checked_order

    if command.startswith("/"):
        return replace(question, search=command[1:].strip(), offset=0)
    if word == "step" and rest.isdecimal():
        return replace(question, step=int(rest), offset=0)
    if word == "order":
        return replace(question, order=checked_order(rest), offset=0)
    changes = {
        "n": replace(question, offset=question.offset + _PAGE),
        "p": replace(question, offset=max(0, question.offset - _PAGE)),
        "all": replace(question, step=None, offset=0),
    }
    if word == "r" and rest.isdecimal():
        return question
    if word not in changes:
        raise ConfigError(_HELP)
    return changes[word]


def _show_page(console: Console, library: Library, place: _Place) -> None:
    run = library.run(place.run)
    place.rows = library.page(run, place.question)
    console.print(rows_table(run, place.rows, place.question, library.count(run, place.question)))
    if sys.stdin.isatty():
        console.print(Text(_HELP, style="dim"))


def visible(text: str) -> Text:
    """A model's text as plain text: no markup, no escape codes, no marks that turn its direction."""
    return Text("".join(character if character in "\n\t" or unicodedata.category(character)[0] != "C" else f"⟨U+{ord(character):04X}⟩" for character in text))


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Values as bars, the means of neighbours where there are too many."""
    size = max(1, -(-len(values) // width))
    means = [[value for value in values[start : start + size] if value is not None] for start in range(0, len(values), size)]
    known = [sum(part) / len(part) if part else None for part in means]
    finite = [value for value in known if value is not None]
    if not finite:
        return ""
    low, span = min(finite), max(finite) - min(finite)
    return "".join(" " if value is None else _BARS[round((value - low) / span * (len(_BARS) - 1)) if span else 0] for value in known)


def overview_panel(run: RunFiles, given: Overview) -> Panel:
    """A run at a glance: what it is, and every line as its first value, its course and its last."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in ("chart", "line", "first", "course", "last"):
        table.add_column(name, justify="right" if name in ("first", "last") else "left", style="dim" if name == "chart" else "")
    for line in given.lines:
        known = [value for value in line.values if value is not None]
        table.add_row(line.chart, line.label, f"{known[0]:.4g}", sparkline(line.values), f"{known[-1]:.4g}")
    facts = visible(" · ".join(f"{name} {value}" for name, value in given.facts))
    notes = [Text.assemble("! ", visible(note), style="yellow") for note in given.notes]
    steps = f"{given.num_steps_done} of {given.num_steps}" if given.num_steps else str(given.num_steps_done)
    title = visible(f"{run.name} · {run.state.status} · step {steps} · {given.num_rollouts:,} rollouts".replace("\n", " "))
    return Panel(Group(facts, *notes, table), title=title, title_align="left")


def suspicions_table(found: Sequence[Suspicion]) -> Table:
    """Every rule with what it found."""
    table = Table("suspicion", "found", "search", box=None, pad_edge=False, padding=(0, 1))
    for each in found:
        count = f"{each.num_found:,} of {each.num_seen:,}" if each.num_seen else "not recorded"
        search = f"flag = {each.name}" if each.scope == "rollouts" else "steps " + ", ".join(str(step) for step, _ in each.steps[:8]) if each.steps else ""
        table.add_row(each.title, Text(count, style="yellow" if each.num_found else "dim"), Text(search, style="dim"))
    return table


def rows_table(run: RunFiles, rows: Sequence[Row], question: Question, total: int) -> Table:
    """One page of rollouts."""
    where = f"step {question.step}" if question.step is not None else "all steps"
    search = f", {question.search}" if question.search else ""
    title = visible(f"{run.name}, {where}{search}: {question.offset + 1 if rows else 0} to {question.offset + len(rows)} of {total:,}")
    table = Table(
        "",
        "rollout",
        "task",
        "reward",
        "advantage",
        "tokens",
        "verdicts",
        "completion",
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1),
    )
    for number, row in enumerate(rows):
        outcomes = visible(", ".join(outcome.lower() for outcome in row.outcomes if outcome))
        text = visible(row.snippet.replace("\n", " ⏎ ")[:160])
        table.add_row(
            str(number), str(row.key), visible(row.task_id), _number(row.reward), _number(row.advantage), str(row.num_completion_tokens), outcomes, text
        )
    return table


def rollout_view(view: RolloutView) -> RenderableType:
    """One rollout in full."""
    head = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    head.add_row("reward", "advantage", "tokens", "turns", "ended", style="dim")
    head.add_row(
        _number(view.reward), _number(view.advantage), str(view.num_completion_tokens), str(view.num_turns), visible(view.finish_reason or view.status)
    )
    scores = Table("verifier", "outcome", "value", "answer read", "reason", box=None, pad_edge=False, padding=(0, 1))
    for score in view.scores:
        scores.add_row(
            visible(score.name), visible(score.outcome or "–"), _number(score.value), visible((score.extracted or "")[:200]), visible(score.reason[:300])
        )
    rest = view.text.num_characters - _SHOWN_CHARACTERS
    note = f"\n… {rest:,} more characters" if rest > 0 else ""
    body = _turns(view) if len(view.turns) > 1 else Group(visible(view.text.text[:_SHOWN_CHARACTERS]), Text(note, style="dim"))
    answer = Group(Text("reference answer: ", style="dim"), visible(view.answer[:_SHOWN_CHARACTERS])) if view.answer else Text("")
    parts = [
        head,
        Panel(visible(view.prompt.text[:_SHOWN_CHARACTERS]), title="prompt", title_align="left"),
        Panel(body, title="completion", title_align="left"),
        answer,
        scores,
    ]
    return Panel(Group(*parts), title=visible(f"rollout {view.key}, task {view.task_id}".replace("\n", " ")), title_align="left")


def _turns(view: RolloutView) -> Tree:
    tree = Tree("turns", hide_root=True)
    for turn in view.turns:
        branch = tree.add(Text("the model" if turn.is_own else "observation", style="bold" if turn.is_own else "italic"))
        for part in turn.parts:
            branch.add(Text.assemble(Text("" if part.kind == "text" else f"{part.kind}: ", style="dim"), visible(part.text[:_SHOWN_CHARACTERS])))
    return tree


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
