"""The staged recipes at a scale, each from nothing to its end: what every stage's model can do, before and after reinforcement.

    python evidence/recipes.py [--scale pocket|135m] [--root runs/evidence/recipes] [--only NAME ...] [--report-only]

Writes docs/recipes-SCALE.md and docs/results/recipes-SCALE.json. A finished recipe is read, an interrupted one goes on, and one that is not
in ROOT stays as it was written before. One seed each: the intervals are over the held-out tasks and say nothing about other seeds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common import DOCS, machine, train, write_json

from proctor.recipes import build_recipe
from proctor.training.stages.records import StagedConfig, as_plain, from_plain


@dataclass(frozen=True, slots=True)
class Scale:
    """What is run and said at a scale.

    Attributes:
        name: for `--scale` of `proctor train`.
        recipes: in the order of the page.
        limit_minutes: a recipe should take at most.
        introduction: where the models come from, and what is held out.
        remarks: below a recipe's table.
    """

    name: str
    recipes: tuple[str, ...]
    limit_minutes: int
    introduction: str
    remarks: Mapping[str, str] = field(default_factory=dict)


POCKET = Scale(
    "pocket",
    ("r1_zero", "r1", "kimi_k15", "qwen3", "deepseek_math", "r1_distill"),
    15,
    """Each recipe begins with nothing: the pocket policy is pre-trained
by its first stage. Held out are 500 additions that no stage trains on; brackets are 95 % intervals over them, one seed each, so they say nothing about
other seeds.""",
    {
        "r1": "Between its two stages of reinforcement learning it is fine-tuned on its own right answers and on demonstrations: the gain in the overview is "
        "not that of reinforcement alone. What each stage did stands in its row.",
        "qwen3": "The overview's figures are of the probe `unflagged`: the flags mean nothing to the model before fusion. Without thinking (`no_think`) a "
        "model of this size does not add two-digit numbers at any stage. The stages from `student` on are strong-to-weak distillation: another base, taught "
        "by this one.",
    },
)
SMOLLM = Scale(
    "135m",
    ("r1_zero", "kimi_k15"),
    120,
    """Each recipe begins with SmolLM2-135M-Instruct as it comes.
There are a hundred one-digit additions: 75 are trained on, 25 held out, and of these four completions each at temperature 1; brackets are 95 % intervals
over the 25, one seed each, so they say nothing about other seeds.""",
)
SCALES = {scale.name: scale for scale in (POCKET, SMOLLM)}

PAGE = """# The recipes at the scale `{scale}`

`{command}` writes this page and [its numbers](results/{numbers}). {introduction} What the recipes are: [recipes.md](recipes.md).

{machine}. {threads} Minutes are those of all stages with their evaluations, in the sections without them.

| recipe | before RL | after RL | paired gain | instead: imitation | minutes | after lies above before |
|---|---|---|---|---|---|---|
{overview}

*Before* is the model that enters the first stage of reinforcement learning on the way to the result, *after* the end of the last one; *instead* is a
model that was trained further by imitation, the recipe's control.

{sections}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=list(SCALES), default="pocket")
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/recipes"))
    parser.add_argument("--only", nargs="+", default=None, metavar="NAME")
    parser.add_argument("--report-only", action="store_true", help="write the page from the runs that are there")
    parser.add_argument("--threads", default="", metavar="TEXT", help="a sentence about how busy the machine was, for the page")
    arguments = parser.parse_args()
    scale: Scale = SCALES[arguments.scale]
    if unknown := set(arguments.only or ()) - set(scale.recipes):
        parser.error(f"at the scale {scale.name} there are {', '.join(scale.recipes)}, not {', '.join(sorted(unknown))}")
    for name in arguments.only or scale.recipes:
        if not arguments.report_only:
            train(name, arguments.root / name, scale=scale.name)
    made = {name: summary for name in scale.recipes if (summary := _summary(arguments.root / name)) is not None}
    if not made:
        raise SystemExit(f"no finished recipe in {arguments.root}; leave out --report-only to run them")
    numbers, command = f"recipes-{scale.name}.json", f"python evidence/recipes.py --scale {scale.name}"
    kept = _written(DOCS / "results" / numbers)
    found = {name: summary for name in scale.recipes if (summary := made.get(name, kept.get(name))) is not None}
    write_json(DOCS / "results" / numbers, {"command": command, "recipes": {name: _plain(found[name]) for name in found}})
    page = PAGE.format(
        scale=scale.name,
        command=command,
        numbers=numbers,
        introduction=scale.introduction,
        machine=machine(arguments.root / next(iter(made))),
        threads=arguments.threads,
        overview="\n".join(_overview(name, summary, scale) for name, summary in found.items()),
        sections="\n".join(_section(name, summary, scale, note=_note(name, arguments.root / name, scale)) for name, summary in found.items()),
    )
    missing = [name for name in scale.recipes if name not in found]
    (DOCS / f"recipes-{scale.name}.md").write_text(page + (f"\nNot run to their end yet: {', '.join(missing)}.\n" if missing else ""))


def _summary(run: Path) -> dict[str, Any] | None:
    """The summary of a finished run, None where there is none."""
    path = run / "summary.json"
    summary = json.loads(path.read_text()) if path.exists() else {}
    return summary if "after" in summary else None


def _written(path: Path) -> dict[str, Any]:
    """The summaries that are in the docs already."""
    return json.loads(path.read_text())["recipes"] if path.exists() else {}


def _note(name: str, run: Path, scale: Scale) -> str:
    """What a reader must know of a run that was not made just now, by the recipe of today."""
    if _summary(run) is None:
        return "*Of an earlier run.*"
    return "*The recipe has been changed since this run; what follows is of the one that was run.*" if _is_changed(name, run, scale) else ""


def _is_changed(name: str, run: Path, scale: Scale) -> bool:
    """Whether the recipe is another one today than the run was made with; that of an older Proctor may lack keys."""
    begun = json.loads((run / "staged.json").read_text())
    today = build_recipe(name, scale.name)
    assert isinstance(today, StagedConfig)
    same = json.dumps(as_plain(replace(from_plain(begun), card=today.card))) == json.dumps(as_plain(today))
    return not same


def _plain(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without the results of single tasks."""
    return json.loads(json.dumps(summary), object_hook=lambda entry: {key: value for key, value in entry.items() if key != "per_task"})


def minutes(summary: dict[str, Any]) -> tuple[float, bool]:
    """Of all stages, and whether their evaluations are among them: an older Proctor did not take their time."""
    stages = summary["stages"]
    return sum(stage["seconds"] + stage.get("evaluation_seconds", 0.0) for stage in stages) / 60, all("evaluation_seconds" in stage for stage in stages)


def _overview(name: str, summary: dict[str, Any], scale: Scale) -> str:
    before, after, control = summary["before"], summary["after"], summary.get("control")
    gain = summary.get("gain")
    spent, is_whole = minutes(summary)
    cells = [
        f"`{name}`",
        _interval(before),
        _interval(after),
        f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain else "-",
        _interval(control) if control else "-",
        f"{spent:.0f}" + ("" if is_whole else " without evaluations") + ("" if spent <= scale.limit_minutes else f" (goal: {scale.limit_minutes})"),
        "yes" if after["low"] > before["high"] else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _section(name: str, summary: dict[str, Any], scale: Scale, *, note: str) -> str:
    probes = list(next(stage["evaluations"] for stage in summary["stages"] if stage["evaluations"]))
    spread = sorted({f"{probe} {key}" for stage in summary["stages"] for probe, values in stage["evaluations"].items() for key in values if "@" in key})
    lines = [
        f"## `{name}`",
        "",
        *([note, ""] if note else []),
        f"| stage | steps | {' | '.join([*probes, *spread, 'tokens'])} | minutes |",
        f"|---|---|{'---|' * (len(probes) + len(spread) + 2)}",
    ]
    if start := summary.get("start"):
        lines.append(_row("start", f"`{start['model']}`", start["evaluations"], probes, spread, ""))
    for stage in summary["stages"]:
        what = f"{stage['num_steps']} of {stage['algorithm']}" if stage["kind"] == "train" else _made(stage)
        lines.append(_row(stage["name"], what, stage["evaluations"], probes, spread, f"{stage['seconds'] / 60:.1f}"))
    remark = [scale.remarks[name], ""] if name in scale.remarks else []
    return "\n".join([*lines, "", *remark])


def _row(name: str, what: str, evaluations: Mapping[str, Any], probes: list[str], spread: list[str], minutes: str) -> str:
    cells = [_interval(evaluations[probe]) if probe in evaluations else "" for probe in probes]
    cells += [f"{evaluations[probe][key]['mean']:.3f}" if probe in evaluations and key in evaluations[probe] else "" for probe, key in map(str.split, spread)]
    cells.append(f"{evaluations[probes[0]]['completion_tokens_mean']:.1f}" if evaluations else "")
    return f"| {name} | {what} | {' | '.join(cells)} | {minutes} |"


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
