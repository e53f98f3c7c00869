"""The page, the numbers and the figures of `presets.py`, from the cells that are there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common import DOCS, INK, smooth, write_json
from presets import COMPARED, EXTRA, OWN, RLHF_STEPS, SEEDS, SETTINGS, read
from safetensors.torch import load_file

STUDENT_T = 4.303  # the 97.5 % point with two degrees of freedom
WINDOW = 8  # steps that the curves of hypothesis 4 are averaged over
BLOW_UP = 3.0
Runs = Mapping[str, Sequence[Mapping[str, Any]]]

PAGE = """\
# Every on-policy preset on one small task

`python evidence/presets.py` writes this page, [its numbers](results/presets.json) and its figures. Cells are kept, so it goes on where it was stopped.

A number of three digits is read, `473=`; its last digit and then its first are to be written: `34`. All runs start from the same
model of one layer and {parameters:,} parameters, taught in seconds to write one to three of the digits that it reads: {before:.1%} of its held-out
completions are right. Each run: {num_steps} steps of {num_completions} completions, Adam with learning rate {learning_rate:g}, one update a step,
seeds {seeds}. A toy shows that each preset learns and what sets it apart; it ranks nothing. With one update a step no ratio leaves 1, so presets that differ
in their clip alone take the same steps.

{table}

*Reward: mean of the first and of the last five steps. Held out: two completions at temperature 1 for each of 100 tasks, mean of the seeds and Student's 95 %
interval over them; such an interval of three seeds is wide, and honest. Seconds: processor time of a run, evaluation included, beside other work.*

Settings that are not the preset's defaults: critics (`ppo`, `ppo_rlhf`, `vapo`) have the policy's learning rate, their own being meant for large
models; `dapo` does not refill, for its further samples would not be equal. `remax` samples one more completion a task, for its baseline. `vapo`
trains its critic alone in its first 5 steps. `rft` imitates the start's own completions, so it is no on-policy preset and stands here for the ordering.

{unfinished}![held-out accuracy, reward and seconds of every preset](figures/presets.png)

## What was expected, and what came out

Written down, with the rule of the verdict, before the runs: the docstring of `evidence/presets.py`. SHOWN: each of the three seeds agrees;
REFUTED: none does; OPEN: they differ. Three seeds agree by chance one time in eight.

{verdicts}

![reward, KL and non-score reward of PPO](figures/ppo-curves.png)

*`ppo_rlhf`, {rlhf_steps} steps, four epochs a batch; mean of three seeds over eight steps, shaded from the lowest to the highest seed.*

{reading}
## What did not work

- The learning rate was chosen on `grpo` and `dr_grpo` with one seed. {rates}
- The `pocket` policy on two-digit additions, and smaller models taught the same, were dropped: a start that is right in one completion of twenty
  gives too few groups with variance; learning rates that move it in a minute of one thread destroy it, and those that do not show nothing.
- One-digit sums taught with wrong answers among the right ones: telling them apart takes the small model longer than the whole comparison.

Machine: {machine}. One process, one thread.
"""

READING = """\
What follows is read off afterwards and was not predicted.

- Here `grpo` is not ahead of `online_rft`: DeepSeekMath's order of the two does not show in thirty steps of this task. The two differ in more than the
  coefficient: `grpo` holds on to the start by its KL term, `online_rft` does not. The reward curve of `rft` stays where it began, for its completions are
  the start's own; what it trains is what the held-out column says.
- Nothing blows up without the clamp: with one right answer a task, a policy that writes it is no further from the start than the logarithm of the
  start's chance of writing it, and both variants end near that. Whether the clamp keeps a large model's KL from diverging is not decided by this.
- Non-score reward falls with the KL and hardly comes back, for the same reason: little of that KL could be given up without giving up the reward.
- A late reward says little of one run's end: `rlhf_beta_0.05` earns about 0.9 with each seed, and with seed 0 a third of the held-out completions after
  its last update are right.
"""


def report(root: Path) -> None:
    """Write docs/comparison.md, its numbers and its figures."""
    runs = read(root)
    example = next(iter(runs.values()))[0]
    compared = sorted((cell.name for cell in (*COMPARED, EXTRA[0]) if cell.name in runs), key=lambda name: -_mean(runs, name))
    missing = [cell.name for cell in (*COMPARED, *EXTRA) if len(runs.get(cell.name, ())) < len(SEEDS)]
    finished = {name: of_cell for name, of_cell in runs.items() if name not in missing}
    claims = verdicts(finished)
    results = {"command": "python evidence/presets.py", "machine": example["machine"], "settings": SETTINGS, "own": OWN, "verdicts": claims, "cells": runs}
    write_json(DOCS / "results" / "presets.json", results)
    (DOCS / "comparison.md").write_text(
        PAGE.format(
            parameters=sum(tensor.numel() for tensor in load_file(root / "start" / "model.safetensors").values()),
            before=statistics.mean(run["before"] for name in compared for run in runs[name]),
            num_steps=SETTINGS["num_steps"],
            num_completions=SETTINGS["prompts_per_step"] * SETTINGS["group_size"],
            learning_rate=SETTINGS["learning_rate"],
            seeds=", ".join(map(str, SEEDS)),
            table=_table(runs, compared),
            unfinished=f"Not finished when this page was written: {', '.join(f'`{name}`' for name in missing)}; the command goes on.\n\n" if missing else "",
            verdicts=_verdict_table(claims),
            rlhf_steps=RLHF_STEPS,
            reading=READING,
            rates=_rates(finished),
            machine=example["machine"],
        )
    )
    _overview(DOCS / "figures" / "presets.png", runs, compared)
    _ppo_curves(DOCS / "figures" / "ppo-curves.png", finished)


def _values(runs: Runs, name: str, key: str = "after") -> list[float]:
    return [run[key] for run in runs[name]]


def _mean(runs: Runs, name: str) -> float:
    return statistics.mean(_values(runs, name))


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean of three seeds, within [0, 1]; None while seeds are missing."""
    if len(values) < len(SEEDS):
        return None
    center, half = statistics.mean(values), STUDENT_T * statistics.stdev(values) / len(values) ** 0.5
    return max(0.0, center - half), min(1.0, center + half)


def _ends(runs: Runs, name: str) -> tuple[float, float]:
    """Mean reward of the first and of the last five steps."""
    curves = [run["curves"]["reward_mean"] for run in runs[name]]
    return statistics.mean(value for curve in curves for value in curve[:5]), statistics.mean(value for curve in curves for value in curve[-5:])


def _table(runs: Runs, names: Sequence[str]) -> str:
    rows = ["| preset | reward | held out | 95 % | seeds | seconds |", "|---|---|---|---|---|---|"]
    for name in names:
        first, last = _ends(runs, name)
        interval = _interval(_values(runs, name))
        shown = "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
        seeds = ", ".join(f"{value:.2f}" for value in _values(runs, name))
        seconds = statistics.mean(_values(runs, name, "cpu_s"))
        rows.append(f"| `{name}` | {first:.2f} → {last:.2f} | {_mean(runs, name):.3f} | {shown} | {seeds} | {seconds:.1f} |")
    return "\n".join(rows)


def verdicts(runs: Runs) -> list[dict[str, Any]]:
    """Every claim whose cells are there: what it compares by seed, and what follows."""
    found: list[dict[str, Any]] = []

    def claim(hypothesis: str, text: str, needs: Sequence[str], numbers: Callable[[int], tuple[float, float]], holds: Callable[[float, float], bool]) -> None:
        if any(name not in runs for name in needs):
            return
        pairs = [numbers(index) for index in range(len(SEEDS))]
        agreeing = sum(holds(*pair) for pair in pairs)
        verdict = "SHOWN" if agreeing == len(pairs) else "REFUTED" if not agreeing else "OPEN"
        found.append({"hypothesis": hypothesis, "claim": text, "by_seed": pairs, "verdict": verdict})

    def after(name: str, seed: int) -> float:
        return runs[name][seed]["after"]

    def curve(name: str, seed: int, key: str) -> list[float]:
        return runs[name][seed]["curves"][key]

    def late(name: str, seed: int, key: str) -> float:
        values = curve(name, seed, key)
        return statistics.mean(values[-len(values) // 4 :])

    claim("ordering", "held out: grpo ≥ online_rft", ["grpo", "online_rft"], lambda i: (after("grpo", i), after("online_rft", i)), lambda a, b: a >= b)
    claim("ordering", "held out: online_rft > rft", ["online_rft", "rft"], lambda i: (after("online_rft", i), after("rft", i)), lambda a, b: a > b)
    free, clamped, weak = "rlhf_beta_0.2", "rlhf_beta_0.2_clamped", "rlhf_beta_0.05"
    kl = "kl_per_rollout"
    claim("clamp", "late KL of a rollout: clamped < not clamped", [free, clamped], lambda i: (late(clamped, i, kl), late(free, i, kl)), lambda a, b: a < b)
    claim(
        "clamp",
        "late KL: not clamped > 3 x clamped",
        [free, clamped],
        lambda i: (late(free, i, kl), late(clamped, i, kl)),
        lambda a, b: a > BLOW_UP * max(b, 0),
    )

    def clips(name: str, summary: Callable[[list[float]], float]) -> Callable[[int], tuple[float, float]]:
        return lambda i: (summary(curve(name, i, "clip_low_fraction")), summary(curve(name, i, "clip_high_fraction")))

    claim("clip fractions", "1 update: largest low, high fraction is 0", ["grpo"], clips("grpo", max), lambda a, b: a == b == 0)
    claim("clip fractions", "8 updates: mean low + high fraction > 0", ["grpo_8_updates"], clips("grpo_8_updates", statistics.mean), lambda a, b: a + b > 0)
    for name in (weak, free):
        beta = name.removeprefix("rlhf_beta_")
        claim(
            *("PPO's curves", f"β {beta}: reward, first five steps < last quarter", [name]),
            lambda i, name=name: (statistics.mean(curve(name, i, "reward_mean")[:5]), late(name, i, "reward_mean")),
            lambda a, b: a < b,
        )
    claim("PPO's curves", "late KL: β 0.05 > β 0.2", [weak, free], lambda i: (late(weak, i, kl), late(free, i, kl)), lambda a, b: a > b)
    for name in (weak, free):
        beta = name.removeprefix("rlhf_beta_")
        claim(
            *("PPO's curves", f"β {beta}: non-score reward falls (first number) and a tenth comes back (second: the part that does)", [name]),
            lambda i, name=name: _dip(smooth(curve(name, i, "non_score_reward"), WINDOW)[WINDOW - 1 :]),
            lambda fall, back: fall > 0 and back >= 0.1,
        )
    return found


def _dip(values: Sequence[float]) -> tuple[float, float]:
    """How far a curve falls below its first value, and the part of the fall that has come back at its end."""
    lowest = min(values)
    fall = values[0] - lowest
    return fall, (values[-1] - lowest) / fall if fall > 0 else 0.0


def _verdict_table(claims: Sequence[Mapping[str, Any]]) -> str:
    rows = ["| hypothesis | claim | seeds | verdict |", "|---|---|---|---|"]
    for entry in claims:
        pairs = "; ".join(f"{a:.3g}, {b:.3g}" for a, b in entry["by_seed"])
        rows.append(f"| {entry['hypothesis']} | {entry['claim']} | {pairs} | {entry['verdict']} |")
    return "\n".join(rows)


def _rates(runs: Runs) -> str:
    """What `grpo` reaches at the learning rates beside the chosen one."""
    tried = [(name.removeprefix("grpo_lr_"), name) for name in ("grpo_lr_0.001", "grpo_lr_0.006") if name in runs]
    shown = [f"{_mean(runs, name):.2f} at {rate}" for rate, name in tried]
    return f"`grpo` reaches {_mean(runs, 'grpo'):.2f} at {SETTINGS['learning_rate']:g}, and over the same seeds {' and '.join(shown)}." if shown else ""


def _overview(path: Path, runs: Runs, names: Sequence[str]) -> None:
    """Held-out accuracy with its interval, late reward and seconds of every preset, one a line."""
    pyplot = _pyplot()
    figure, panels = pyplot.subplots(1, 3, figsize=(11, 0.24 * len(names) + 1.2), dpi=130, sharey=True, gridspec_kw={"width_ratios": [3, 2, 1.4]})
    lines = range(len(names))
    for line, name in zip(lines, names, strict=True):
        values = _values(runs, name)
        panels[0].plot(_interval(values) or (), [line, line] if _interval(values) else (), color=INK[0], linewidth=1.2, alpha=0.6)
        panels[0].plot(values, [line] * len(values), "o", color=INK[0], markersize=2.5, alpha=0.6)
        panels[0].plot(statistics.mean(values), line, "o", color=INK[0], markersize=5)
        panels[1].plot(_ends(runs, name), [line, line], color=INK[2], linewidth=1, alpha=0.5)
        panels[1].plot(_ends(runs, name)[1], line, "o", color=INK[2], markersize=5)
    panels[2].barh(list(lines), [statistics.mean(_values(runs, name, "cpu_s")) for name in names], color=INK[3], alpha=0.7, height=0.6)
    panels[0].set(yticks=list(lines), yticklabels=names, xlabel="held-out accuracy: seeds, mean, 95 % interval", xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    panels[1].set(xlabel="reward, first to last five steps", xlim=(0, None))
    panels[2].set(xlabel="processor seconds")
    _save(figure, panels, path)


def _ppo_curves(path: Path, runs: Runs) -> None:
    labels = {"rlhf_beta_0.05": "β = 0.05", "rlhf_beta_0.2": "β = 0.2", "rlhf_beta_0.2_clamped": "β = 0.2, clamped at 0"}
    shown = {name: label for name, label in labels.items() if name in runs}
    if not shown:
        return
    figure, panels = _pyplot().subplots(1, 3, figsize=(11, 3.4), dpi=130)
    for axes, (key, title) in zip(
        panels, (("reward_mean", "reward"), ("kl_per_rollout", "KL of a rollout, nats"), ("non_score_reward", "non-score reward")), strict=True
    ):
        for color, (name, label) in zip(INK, shown.items(), strict=False):
            curves = [smooth(run["curves"][key], WINDOW) for run in runs[name]]
            steps = range(1, len(curves[0]) + 1)
            axes.plot(steps, [statistics.mean(values) for values in zip(*curves, strict=True)], color=color, label=label)
            axes.fill_between(
                steps, [min(values) for values in zip(*curves, strict=True)], [max(values) for values in zip(*curves, strict=True)], color=color, alpha=0.15
            )
        axes.set(title=title, xlabel="step")
    panels[0].legend(frameon=False)
    _save(figure, panels, path)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, panels: Any, path: Path) -> None:
    for axes in panels:
        axes.grid(alpha=0.3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
