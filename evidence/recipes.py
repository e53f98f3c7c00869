"""The staged recipes at the scale `pocket`, each from nothing to its end: what every stage's model can do, before and after reinforcement.

    python evidence/recipes.py [--root runs/evidence/recipes] [--only NAME ...] [--report-only]

Writes docs/recipes-pocket.md and docs/results/recipes.json. A finished recipe is read, an interrupted one goes on. One seed each: the
intervals are over the 500 held-out tasks and say nothing about other seeds.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import DOCS, machine, train, write_json

from proctor.recipes import build_recipe
from proctor.training.stages.records import StagedConfig, as_plain, from_plain

RECIPES = ("r1_zero", "r1", "kimi_k15", "qwen3", "deepseek_math", "r1_distill")
LIMIT_MINUTES = 15
REMARKS = {
    "r1": "Between its two stages of reinforcement learning it is fine-tuned on its own right answers and on demonstrations: the gain in the overview is not "
    "that of reinforcement alone. What each stage did stands in its row.",
    "qwen3": "The overview's figures are of the probe `unflagged`: the flags mean nothing to the model before fusion. Without thinking (`no_think`) a model of "
    "this size does not add two-digit numbers at any stage. The stages from `student` on are strong-to-weak distillation: another base, taught by this one.",
}

PAGE = """# The recipes at the scale `pocket`

`python evidence/recipes.py` writes this page and [its numbers](results/recipes.json). Each recipe begins with nothing: the pocket policy is pre-trained
by its first stage. Held out are 500 additions that no stage trains on; brackets are 95 % intervals over them, one seed each, so they say nothing about
other seeds. What the recipes are: [recipes.md](recipes.md).

{machine}. {threads} Minutes are those of all stages with their evaluations.

| recipe | before RL | after RL | paired gain | instead: imitation | minutes | after lies above before |
|---|---|---|---|---|---|---|
{overview}

*Before* is the model that enters the first stage of reinforcement learning on the way to the result, *after* the end of the last one; *instead* is a
model that was trained further by imitation, the recipe's control.

{sections}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/recipes"))
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--report-only", action="store_true", help="write the page from the runs that are there")
    parser.add_argument("--threads", default="", metavar="TEXT", help="a sentence about how busy the machine was, for the page")
    arguments = parser.parse_args()
    for name in arguments.only:
        if not arguments.report_only:
            train(name, arguments.root / name)
    found = {name: summary for name in RECIPES if (summary := _summary(arguments.root / name)) is not None}
    if not found:
        raise SystemExit(f"no finished recipe in {arguments.root}; leave out --report-only to run them")
    write_json(DOCS / "results" / "recipes.json", {"command": "python evidence/recipes.py", "recipes": {name: _plain(found[name]) for name in found}})
    page = PAGE.format(
        machine=machine(arguments.root / next(iter(found))),
        threads=arguments.threads,
        overview="\n".join(_overview(name, summary) for name, summary in found.items()),
        sections="\n".join(_section(name, summary, is_changed=_is_changed(name, arguments.root / name)) for name, summary in found.items()),
    )
    missing = [name for name in RECIPES if name not in found]
    (DOCS / "recipes-pocket.md").write_text(page + (f"\nNot run to their end yet: {', '.join(missing)}.\n" if missing else ""))


def _summary(run: Path) -> dict[str, Any] | None:
    """The summary of a finished run, None where there is none."""
    path = run / "summary.json"
    summary = json.loads(path.read_text()) if path.exists() else {}
    return summary if "after" in summary else None


def _is_changed(name: str, run: Path) -> bool:
    """Whether the recipe is another one today than the run was made with; that of an older Proctor may lack keys."""
    begun = json.loads((run / "staged.json").read_text())
    today = build_recipe(name, "pocket")
    assert isinstance(today, StagedConfig)
    same = json.dumps(as_plain(replace(from_plain(begun), card=today.card))) == json.dumps(as_plain(today))
    return not same


def _plain(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without the results of single tasks."""
    return json.loads(json.dumps(summary), object_hook=lambda entry: {key: value for key, value in entry.items() if key != "per_task"})


def minutes(summary: dict[str, Any]) -> float:
    return sum(stage["seconds"] for stage in summary["stages"]) / 60


def _overview(name: str, summary: dict[str, Any]) -> str:
    before, after, control = summary["before"], summary["after"], summary.get("control")
    gain = summary.get("gain")
    cells = [
        f"`{name}`",
        _interval(before),
        _interval(after),
        f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain else "-",
        _interval(control) if control else "-",
        f"{minutes(summary):.0f}" + ("" if minutes(summary) <= LIMIT_MINUTES else f" (goal: {LIMIT_MINUTES})"),
        "yes" if after["low"] > before["high"] else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _section(name: str, summary: dict[str, Any], *, is_changed: bool) -> str:
    probes = list(next(stage["evaluations"] for stage in summary["stages"] if stage["evaluations"]))
    spread = sorted({f"{probe} {key}" for stage in summary["stages"] for probe, values in stage["evaluations"].items() for key in values if "@" in key})
    lines = [
        f"## `{name}`",
        "",
        *(["*The recipe has been changed since this run; what follows is of the one that was run.*", ""] if is_changed else []),
        f"| stage | steps | {' | '.join([*probes, *spread, 'tokens'])} | minutes |",
        f"|---|---|{'---|' * (len(probes) + len(spread) + 2)}",
    ]
    for stage in summary["stages"]:
        evaluations = stage["evaluations"]
        what = f"{stage['num_steps']} of {stage['algorithm']}" if stage["kind"] == "train" else _made(stage)
        cells = [_interval(evaluations[probe]) if probe in evaluations else "" for probe in probes]
        cells += [
            f"{evaluations[probe][key]['mean']:.3f}" if probe in evaluations and key in evaluations[probe] else "" for probe, key in map(str.split, spread)
        ]
        cells.append(f"{evaluations[probes[0]]['completion_tokens_mean']:.1f}" if evaluations else "")
        lines.append(f"| {stage['name']} | {what} | {' | '.join(cells)} | {stage['seconds'] / 60:.1f} |")
    remark = [REMARKS[name], ""] if name in REMARKS else []
    return "\n".join([*lines, "", *remark])


def _made(stage: dict[str, Any]) -> str:
    if stage["kind"] == "merge":
        return "mean of weights"
    if stage["kind"] == "curate":
        removed = ", ".join(f"{kind} {count}" for kind, count in stage["removed"].items())
        return f"{stage['num_rows']} tasks of {stage['num_tasks']}; taken out: {removed or 'none'}"
    kept = f"{stage['num_rows']} rows"
    return f"{kept} of {stage['num_samples']} completions, {stage['pass_rate']:.0%} right" if stage["kind"] == "traces" else kept


def _interval(values: dict[str, float]) -> str:
    return f"{values['mean']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"


if __name__ == "__main__":
    main()
