"""How a training run looks while it goes: one live line on a terminal, one plain line a step anywhere else.

Results go to standard output and warnings to standard error. Whatever a task or a model contributed is shown as it is,
never read as markup.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from proctor.training.events import CheckpointSaved, EvaluationFinished, Event, Phase, RunFinished, RunStarted, StageMade, StageStarted, StepFinished, Warned


@dataclass(frozen=True, slots=True)
class _Figure:
    """One number of a step as it is shown: canonical name, label, format, and what to multiply with."""

    name: str
    label: str
    form: str
    factor: float = 1.0


_FIGURES = (
    _Figure("reward_mean", "reward", ".3f"),
    _Figure("unanimous_fraction", "no variance", ".0f%", 100.0),
    _Figure("completion_tokens_mean", "length", ".1f"),
    _Figure("truncated_fraction", "truncated", ".0f%", 100.0),
    _Figure("entropy", "entropy", ".3f"),
    _Figure("kl", "KL", ".2g"),
    _Figure("tokens_per_s", "tok/s", ".0f"),
)


class ProgressView:
    """Renders the events of one run. Call it with every event; `close` it at the end, however the run ends."""

    def __init__(self, out: Console | None = None, err: Console | None = None) -> None:
        """Show a run.

        Args:
            out: for progress and results; live where it is a terminal. Default: standard output.
            err: for warnings. Default: standard error.
        """
        self._out = out or Console(highlight=False, markup=False)
        self._err = err or Console(highlight=False, markup=False, stderr=True)
        self._steps = _StepClock()
        self._last = ""
        self._phase = ""
        self._live: Live | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case StageStarted(name=name, number=number, num_stages=num_stages):
                self.close()
                self._print(f"stage {number} of {num_stages}: {name}")
            case StageMade(name=name, what=what):
                self._print(f"  {name}: {what}")
            case RunStarted():
                self._start(event)
            case Phase(name=name):
                self._phase = name
                self._refresh()
            case StepFinished():
                self._step(event)
            case EvaluationFinished():
                self._print(_evaluation_line(event))
            case CheckpointSaved():
                pass  # said at every step it would hide the rest; the directory and the last line tell
            case Warned(message=message):
                self._warn(message)
            case RunFinished():
                self.close()
                self._print(_finish_line(event))

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self, event: RunStarted) -> None:
        begin = f" from step {event.start_step}" if event.start_step else ""
        self._print(f"{event.recipe}: {event.model}, {event.num_steps} steps{begin}, in {event.path}")
        for note in event.notes:
            self._print(f"  {note}")
        self._steps = _StepClock(num_done=event.start_step, num_steps=event.num_steps)
        if self._out.is_terminal:
            self._live = Live(console=self._out, get_renderable=self._renderable, refresh_per_second=8, transient=True)
            self._live.start()

    def _step(self, event: StepFinished) -> None:
        self._steps.finished(event.step + 1, event.num_steps, event.metrics.get("seconds"))
        self._last = figures_line(event.metrics)
        if self._out.is_terminal:
            self._refresh()
        else:
            self._print(f"{self._steps.label()}  {self._last}  left {_duration(self._steps.left_s())}")

    def _warn(self, message: str) -> None:
        text = Text.assemble(("warning: ", "yellow"), _printable(message))
        if self._live is not None and self._err.is_terminal:
            self._live.console.print(text, soft_wrap=True)  # through the live display, which would be overwritten otherwise
        else:
            self._err.print(text, soft_wrap=True)

    def _print(self, line: str) -> None:
        self._out.print(Text(_printable(line)), soft_wrap=True)

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def _renderable(self) -> RenderableType:
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self._steps.num_steps or None, completed=self._steps.num_done, width=max(10, min(30, self._out.width - 50)))
        line.add_row(Spinner("dots"), Text(self._steps.label()), bar, Text(f"{_duration(self._steps.left_s())} left"), Text(self._phase, style="dim"))
        return Group(line, Text(self._last, overflow="ellipsis")) if self._last else line


class _StepClock:
    """How far the run is, and how long the rest may take at the mean pace of the latest steps."""

    num_recent = 20

    def __init__(self, num_done: int = 0, num_steps: int = 0) -> None:
        self.num_done = num_done
        self.num_steps = num_steps
        self._recent_s: list[float] = []
        self._since = time.monotonic()

    def finished(self, num_done: int, num_steps: int, seconds: float | None) -> None:
        """Count a step; where its duration was not measured, take the time since the one before."""
        now = time.monotonic()
        self._recent_s = [*self._recent_s, now - self._since if seconds is None else seconds][-self.num_recent :]
        self._since = now
        self.num_done, self.num_steps = num_done, num_steps

    def left_s(self) -> float | None:
        """Seconds to go; None before the first step."""
        if not self._recent_s:
            return None
        return sum(self._recent_s) / len(self._recent_s) * (self.num_steps - self.num_done)

    def label(self) -> str:
        width = len(str(self.num_steps))
        return f"step {self.num_done:>{width}}/{self.num_steps}"


def figures_line(metrics: Mapping[str, float]) -> str:
    """The numbers of a step that belong together when judging it; those that were not measured are left out."""
    return "  ".join(f"{figure.label} {_formatted(metrics[figure.name] * figure.factor, figure.form)}" for figure in _FIGURES if figure.name in metrics)


def _formatted(value: float, form: str) -> str:
    return format(value, form.rstrip("%")) + ("%" if form.endswith("%") else "")


def _evaluation_line(event: EvaluationFinished) -> str:
    return f"evaluation {event.name}: {event.mean:.3f} (95% interval {event.low:.3f} to {event.high:.3f}, {event.num_tasks} tasks, after {event.step} steps)"


def _finish_line(event: RunFinished) -> str:
    means = [f"{name} {entry['mean']:.3f}" for name in ("before", "after") if isinstance(entry := event.summary.get(name), Mapping) and "mean" in entry]
    learned = f": {' -> '.join(means)}" if means else ""
    return f"finished{learned}; everything is in {event.path}"


def _printable(text: str) -> str:
    """The text without control characters: an escape sequence in a task must not drive the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
