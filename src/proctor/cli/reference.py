"""`docs/cli.md`, made from the parser itself: `python -m proctor.cli.reference > docs/cli.md`."""

from __future__ import annotations

import argparse

from proctor.cli.main import build_parser

_HEAD = """\
# Command line

Made by `python -m proctor.cli.reference`. Exit codes: 0 done, 1 failed, 2 the request itself is wrong.
A configuration file holds the keys that `proctor train RECIPE --dry-run` prints, as TOML; `recipe = "quickstart"` in it starts from a recipe.
"""


def render() -> str:
    """Every verb with its description and arguments, as Markdown."""
    parser = build_parser()
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return "\n".join([_HEAD, *(_verb(name, verb) for name, verb in verbs.choices.items())])


def _verb(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [_row(action) for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    table = ["| argument | meaning |", "|---|---|", *rows] if rows else []
    return "\n".join([f"## proctor {name}", "", parser.description or "", "", *table, ""])


def _row(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    takes_value = action.nargs != 0
    names = [f"{option} {value}" if takes_value else option for option in action.option_strings] or [value]
    spelled = ", ".join(f"`{name}`" for name in names).replace("|", "\\|")
    return f"| {spelled} | {(action.help or '') % {'default': action.default}} |"


if __name__ == "__main__":
    print(render(), end="")
