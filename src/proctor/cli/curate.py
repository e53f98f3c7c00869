"""`proctor curate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from proctor.config import read_toml
from proctor.data.curation import CurationSpec, curate, read_spec
from proctor.data.curation.report import lines
from proctor.training.curating import outside

_SECONDS_BETWEEN_LINES = 10.0


def run(options: argparse.Namespace) -> int:
    """Curate as a file says, and print what each filter removed."""
    spec = read_spec(read_toml(Path(options.spec)), name=options.spec)
    if options.dry_run:
        print("\n".join(_plan(spec)))
        return 0
    with ExitStack() as stack:
        progress = _Progress()
        stack.callback(progress.close)
        report = curate(spec, outside(spec, stack, progress))
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(lines(report)))
    print(f"wrote {spec.output}, {spec.output}.report.html and {spec.output}.report.json", file=sys.stderr)
    return 0


class _Progress:
    """One line that is written over in a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._told = float("-inf")

    def __call__(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif monotonic() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = monotonic()
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Clear the line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _plan(spec: CurationSpec) -> Iterator[str]:
    """The resolved specification."""
    yield f"sources: {', '.join(spec.sources)}"
    yield f"output:  {spec.output} (finished stages in {spec.cache_directory})"
    if spec.normalise is not None:
        yield "  normalise"
    for one in spec.filters:
        arguments = ", ".join(f"{name} = {json.dumps(value)}" for name, value in asdict(one).items())  # type: ignore[call-overload]  # every filter is a dataclass
        yield f"  {one.kind}{': ' if arguments else ''}{arguments}"
