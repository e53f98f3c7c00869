"""`proctor report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.errors import ConfigError
from proctor.report.extra import require_extra


def run(options: argparse.Namespace) -> int:
    """Write one HTML file about runs, and say what is in it."""
    require_extra("report")
    from proctor.report.library import Library
    from proctor.report.static_report import summary_of, write_report
    from proctor.training.durable import write_atomic

    out = Path(options.out)
    if options.rollouts < 0:
        raise ConfigError(f"--rollouts must be at least 0, not {options.rollouts}")
    if not out.parent.is_dir() or out.is_dir():
        raise ConfigError(f"--out {out} must be a file in a directory that exists")
    library = Library([Path(name) for name in options.runs])
    try:
        page, runs = write_report(library, num_rollouts=options.rollouts)
    finally:
        library.close()
    try:
        write_atomic(out, page.encode())
    except OSError as error:
        raise ConfigError(f"--out {out} cannot be written ({error.strerror or error}); choose another place") from error
    print(f"{summary_of(runs)}\n{out}: {len(page.encode()) / 1e6:.1f} MB, opens in any browser, asks for nothing")
    return 0
