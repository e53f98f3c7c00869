"""`proctor recipes`."""

from __future__ import annotations

import inspect

from rich.console import Console
from rich.table import Table

from proctor.recipes import ALIASES, find_recipe, scales_of


def run() -> int:
    """List the recipes: name, scales (the default first), the first sentence of each docstring."""
    table = Table("recipe", "scales (default first)", "what it does", box=None, pad_edge=False)
    for name in sorted(ALIASES):
        recipe = find_recipe(name)
        table.add_row(name, ", ".join(scales_of(recipe)), (inspect.getdoc(recipe) or "").splitlines()[0])
    Console().print(table)
    return 0
