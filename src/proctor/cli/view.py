"""`proctor view`."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from proctor.errors import ConfigError
from proctor.report.extra import require_extra

if TYPE_CHECKING:
    from proctor.report.library import Library

_FILES_AT_FIRST = 64


def run(options: argparse.Namespace) -> int:
    """Show runs: as a local page until interrupted, in the terminal, or only their marks as test cases."""
    require_extra("view")
    from proctor.report.library import Library

    serves = not (options.cases or options.text)
    library = Library([Path(name) for name in options.runs] or _default(), max_files=_FILES_AT_FIRST if serves else None)
    try:
        if options.cases:
            return _write_cases(library, Path(options.cases))
        if options.text:
            from proctor.cli.browse import browse

            return browse(library, options)
        return _serve(library, port=options.port, opens_browser=options.open)
    finally:
        library.close()


def _default() -> list[Path]:
    """The runs of this directory.

    Raises:
        ConfigError: there are none.
    """
    if not Path("runs").is_dir():
        raise ConfigError("there is no directory runs/ here; name a run: proctor view RUN")
    return [Path("runs")]


def _serve(library: Library, *, port: int, opens_browser: bool) -> int:
    from proctor.report.server import listen
    from proctor.report.survey import Surveyor

    surveyor = Surveyor(library.store, library.runs, library.refresh)
    try:
        listening = listen(library, surveyor, port=port)
        names = ", ".join(run.name for run in library.runs)
        print(f"{names}: {listening.address}\nthe address works on this machine only, until this command ends (Ctrl-C)", flush=True)
        if opens_browser:
            webbrowser.open(listening.address)
        listening.run()
    finally:
        surveyor.close()
    return 0


def _write_cases(library: Library, path: Path) -> int:
    from proctor.report.verdicts import cases_jsonl
    from proctor.training.durable import write_atomic

    marks = [verdict for run in library.runs for verdict in library.verdicts(run)]
    try:
        write_atomic(path, cases_jsonl(marks).encode())
    except OSError as error:
        raise ConfigError(f"--cases {path} cannot be written ({error.strerror or error}); choose another place") from error
    print(f"{len(marks)} cases in {path}", file=sys.stderr)
    return 0
