"""What the lab shows of an experiment: a figure, a JSON file, and its section of the gallery, which is made of the JSON file alone.

So a word or an arm that is changed after a run does not change what the run is shown with.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from proctor.errors import ConfigError
from proctor.lab.experiments.records import Experiment
from proctor.lab.experiments.running import Outcome

_INK = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # readable by the colour-blind (Okabe and Ito)


def as_plain(experiment: Experiment, outcome: Outcome, *, machine: str) -> dict[str, Any]:
    """The result as plain values."""
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "paper": experiment.paper,
        "hypothesis": experiment.hypothesis,
        "remark": experiment.remark,
        "design": experiment.design,
        "compared": compared(experiment),
        "command": f"proctor lab {experiment.name}",
        "machine": machine,
        "seeds": list(experiment.seeds),
        "minutes": outcome.seconds / 60,
        "elapsed_minutes": None if outcome.elapsed is None else outcome.elapsed / 60,
        "values": {arm: [_finite(values) for values in found] for arm, found in outcome.values.items()},
        "verdicts": [
            {"claim": str(claim), **_finite({"difference": found.mean, "low": found.low, "high": found.high}), "verdict": judgement}
            for claim, found, judgement in outcome.verdicts
        ],
    }


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in sorted(values.items())}


def section(plain: Mapping[str, Any], *, design: str) -> str:
    """An experiment's part of the gallery, in Markdown.

    Args:
        plain: its JSON file.
        design: the experiment's today; where the result has another, it says so.
    """
    lines = [f"## {plain['title']}", "", f"**Published.** {plain['paper']}", "", f"**Expected here.** {plain['hypothesis']}", ""]
    lines += [f"![{plain['title']}](figures/lab/{plain['experiment']}.png)", ""]
    lines += [f"*{plain['remark']}*", ""] if plain["remark"] else []
    lines += ["*The experiment has been changed since; what follows is of the one that was run.*", ""] if plain["design"] != design else []
    lines += ["| claim | difference over seeds | verdict |", "|---|---|---|"]
    lines += [f"| {entry['claim']} | {_interval(entry)} | {entry['verdict']} |" for entry in plain["verdicts"]]
    metrics = plain["compared"]
    lines += ["", f"| arm | {' | '.join(metrics)} |", f"|---|{'---|' * len(metrics)}"]
    for arm, found in plain["values"].items():
        cells = [" ".join(_shown(values.get(metric)) for values in found) for metric in metrics]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    elapsed = plain.get("elapsed_minutes")
    took = f"{plain['minutes']:.0f} minutes of steps" if elapsed is None else f"{elapsed:.0f} minutes by the clock ({plain['minutes']:.0f} of steps)"
    lines += ["", f"`{plain['command']}`, seeds {', '.join(map(str, plain['seeds']))}, {took}, {plain['machine']}.", ""]
    return "\n".join(lines)


def _interval(entry: Mapping[str, Any]) -> str:
    if entry["difference"] is None:
        return "not measured with every seed"
    return f"{entry['difference']:+.3f} [{entry['low']:+.3f}, {entry['high']:+.3f}]"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def draw(experiment: Experiment, outcome: Outcome, path: Path) -> None:
    """The curve of every arm, the mean over seeds in a band from the least to the greatest; without a curve, what the claims compare.

    Raises:
        ConfigError: the extra `plots` is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ConfigError("figures need matplotlib, which is not installed. Run: pip install 'proctor[plots]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=130)
    if experiment.curve:
        _draw_curves(axes, outcome.curves)
        axes.set(xlabel="step", ylabel=experiment.curve)
    else:
        _draw_points(axes, experiment, outcome)
    axes.set_title("\n".join(textwrap.wrap(experiment.title, 64)), fontsize=11)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)


def _draw_curves(axes: Any, curves: Mapping[str, Sequence[Sequence[float]]]) -> None:
    for number, (arm, found) in enumerate(curves.items()):
        length = min(map(len, found))
        columns = [[curve[step] for curve in found] for step in range(length)]
        steps, color = range(1, length + 1), _INK[number % len(_INK)]
        axes.plot(steps, smoothed([sum(column) / len(column) for column in columns]), color=color, label=arm, linewidth=2)
        low, high = smoothed([min(column) for column in columns]), smoothed([max(column) for column in columns])
        axes.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)


def _draw_points(axes: Any, experiment: Experiment, outcome: Outcome) -> None:
    """A place for every metric that a claim compares, in it a point a seed for every arm, and a line at their mean."""
    metrics = compared(experiment)
    arms = list(outcome.values)
    for number, arm in enumerate(arms):
        color, shift = _INK[number % len(_INK)], (number - (len(arms) - 1) / 2) * 0.15
        for place, metric in enumerate(metrics):
            found = [values[metric] for values in outcome.values[arm] if metric in values]
            label = arm if place == 0 else None
            axes.scatter([place + shift] * len(found), found, color=color, alpha=0.6, s=22, label=label)
            if found:
                axes.hlines(sum(found) / len(found), place + shift - 0.06, place + shift + 0.06, color=color, linewidth=2.5)
    axes.set_xticks(range(len(metrics)), [metric.replace("/", "\n") for metric in metrics])
    axes.set_xlim(-0.6, len(metrics) - 0.4)


def compared(experiment: Experiment) -> list[str]:
    """The metrics that claims compare, in the order in which they are first named."""
    return list(dict.fromkeys(name for claim in experiment.claims for name in (claim.other_metric, claim.metric) if name))


def smoothed(values: Sequence[float], window: int = 5) -> list[float]:
    """Mean over the last `window` values; over fewer at the beginning."""
    return [sum(values[max(0, end - window) : end]) / min(end, window) for end in range(1, len(values) + 1)]


def write(experiment: Experiment, outcome: Outcome, *, docs: Path, machine: str) -> dict[str, Any]:
    """Write the figure and the JSON file of an experiment."""
    plain = as_plain(experiment, outcome, machine=machine)
    results = docs / "results" / "lab"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{experiment.name}.json").write_text(json.dumps(plain, indent=1) + "\n")
    draw(experiment, outcome, docs / "figures" / "lab" / f"{experiment.name}.png")
    return plain


INTRODUCTION = """# The lab

Published claims, tried at small scale. The question, the hypothesis, the arms, the seeds and the rule of the verdict stand in
`src/proctor/lab/experiments/` and were committed before the first full run; no verdict was tuned to agree, and all count alike. (Three exceptions ran in
full at another size before. `outcome_and_process` had every verdict open: [notes/lab-size.md](notes/lab-size.md). `dapo_parts`, of thirty steps, and
`overoptimization`, of eighty, were shortened for their time alone, committed before they ran again; one verdict differs, `dapo_parts`'s first, which
agreed. The old figures are in the repository's history, before commit 09807c6.) The animal is the `pocket` policy: 0.8M
parameters over characters, additions worked out in writing, trained from nothing in about a minute.

Verdicts are over seeds: the 95 % t-interval of the paired difference. With four seeds it is wide, and "open" means just that. How wide:
1.6 standard deviations of the differences to either side (3.182 / sqrt(4)), so a claim of equality within 0.05 can agree only where they spread by less
than 0.03.

Minutes by the clock are of a whole command on two cores, evaluations included, which made every arm itself. Minutes of steps alone are of earlier runs: all
seeds one after the other by one thread, beside one to three other processes, before short sequences trained faster ([notes/speed.md](notes/speed.md)), so
they are too many. The budget is 20 minutes on two cores, `proctor lab NAME --jobs 2`. The four longest were run again so, with light work beside at
times: `overoptimization` took 18, `dapo_parts` 16, `language_consistency` 13, `clipping` 11.

"""


def write_gallery(experiments: Mapping[str, Experiment], docs: Path) -> None:
    """Make `lab.md` anew from every experiment that has results, and name those that have none."""
    results = docs / "results" / "lab"
    read = {name: json.loads((results / f"{name}.json").read_text()) for name in experiments if (results / f"{name}.json").is_file()}
    done = {name: plain for name, plain in read.items() if "design" in plain}  # older files do not hold the words they are shown with
    missing = [name for name in experiments if name not in done]
    tail = f"Written, with no full run yet: {', '.join(f'`{name}`' for name in missing)}.\n" if missing else ""
    (docs / "lab.md").write_text(
        INTRODUCTION
        + tally(done.values())
        + "\n".join(section(plain, design=experiments[name].design) for name, plain in done.items())
        + ("\n" + tail if tail else "")
    )


def tally(done: Iterable[Mapping[str, Any]]) -> str:
    """How many claims of the experiments agree with what was seen, disagree, and are open, and how long the experiments took."""
    plains = list(done)
    if not plains:
        return ""
    total = Counter(verdict["verdict"] for plain in plains for verdict in plain["verdicts"])
    minutes = sorted((plain.get("elapsed_minutes") or plain["minutes"], plain["experiment"]) for plain in plains)
    longest = ", ".join(f"`{name}` {spent:.0f}" for spent, name in minutes[:-4:-1])
    return (
        f"Of {total.total()} claims in {len(plains)} experiments {total['agrees']} agree, {total['disagrees']} disagree, {total['open']} are open. "
        f"Minutes: median {median(spent for spent, _ in minutes):.0f}, most {longest}.\n\n"
    )
