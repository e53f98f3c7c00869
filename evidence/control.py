"""PPO on control tasks against published returns: every environment and seed, one page, one figure.

    python evidence/control.py [--root runs/evidence/control] [--only CartPole-v1] [--train-only | --report-only]

Runs of stable-baselines3 (`benchmarks/peers/sb3_control.py`) and of CleanRL's own code (`benchmarks/peers/cleanrl_control.py`) in the same directory are
put beside ours, and two versions of the simulator beside each other where `evidence/control_simulators.py` left what they do.

Needs `pip install 'proctor[control,plots]'`. One process, one thread. A finished run is read, not repeated, and an interrupted one starts
over, so it can be stopped at any time; what an unfinished run learned so far stands in a file that ends in `.partial.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from common import DOCS, INK, write_json

from proctor.lab.control import ControlConfig, Progress, continuous, discrete, gymnasium_maker, train

SEEDS = (1, 2, 3)
SIDE_BY_SIDE = {"Acrobot-v1": tuple(range(1, 11)), "Walker2d-v4": SEEDS}
"""Seeds of the comparison with CleanRL's own code, of our form that ends an episode at the time limit as it does."""
WINDOW = 100  # episodes
POINTS = 100  # of a curve
PARTIAL_EVERY = 50  # segments
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101)
"""Two-sided 95 % quantiles of Student's t for 1 to 18 degrees of freedom."""
CARTPOLE_BAR = 475.0  # Gymnasium's own threshold for having solved CartPole-v1


@dataclass(frozen=True, slots=True)
class Published:
    """Mean over three seeds of the last 100 episodes, and the population's standard deviation of the seeds, as `openrlbenchmark.rlops` computes them.

    Published, or measured here with an implementation that is not ours.
    """

    source: str
    mean: float
    std: float

    def contains(self, value: float) -> bool:
        return abs(value - self.mean) <= self.std


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One task, how it is trained, and what was published for it, CleanRL's current numbers first."""

    environment: str
    config: ControlConfig
    num_steps: int
    published: tuple[Published, ...]

    @property
    def name(self) -> str:
        """The environment, and whether its time limit counts as an end."""
        return f"{self.environment}, limit as end" if self.config.time_limit_is_end else self.environment

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those to train, the headline's first."""
        return SIDE_BY_SIDE[self.environment] if self.config.time_limit_is_end else SEEDS

    @property
    def stem(self) -> str:
        """Begins the names of its files."""
        return f"{self.environment}-limit-as-end" if self.config.time_limit_is_end else self.environment

    def is_met(self, means: Sequence[float]) -> bool:
        """Whether the returns of all seeds meet the bar that was set before the runs."""
        if self.environment == "CartPole-v1":
            return sum(mean >= CARTPOLE_BAR for mean in means) >= 2
        return self.published[0].contains(statistics.mean(means))

    @property
    def bar(self) -> str:
        if self.environment == "CartPole-v1":
            return f"at least {CARTPOLE_BAR:.0f} in 2 of 3 seeds"
        current = self.published[0]
        return f"mean in [{current.mean - current.std:.2f}, {current.mean + current.std:.2f}]"


REFERENCE = "stable-baselines3"
CURRENT, SECOND, FIRST, BASELINES = "CleanRL", "CleanRL, docs of 2022 (benchmark 5184afc)", "CleanRL, docs at 04d2c47", "openai/baselines, ibid."
PUBLICATIONS = (CURRENT, SECOND, FIRST)
OLD_BINDING = ", -v2"
CARTPOLE = (Published(CURRENT, 490.04, 6.12), Published(SECOND, 492.40, 13.05), Published(FIRST, 488.75, 18.40), Published(BASELINES, 497.54, 4.02))
ACROBOT = (Published(CURRENT, -86.36, 1.32), Published(SECOND, -89.93, 6.34), Published(FIRST, -82.48, 5.93), Published(BASELINES, -81.82, 5.58))
WALKER = (Published(CURRENT, 2287.95, 572.0), Published(f"{SECOND}{OLD_BINDING}", 3050.09, 1136.21), Published(f"{BASELINES}{OLD_BINDING}", 3208.08, 1264.37))
BENCHMARKS = (
    Benchmark("CartPole-v1", discrete(), 500_000, CARTPOLE),
    Benchmark("Acrobot-v1", discrete(), 500_000, ACROBOT),
    Benchmark("Walker2d-v4", continuous(), 1_000_000, WALKER),
    Benchmark("Acrobot-v1", replace(discrete(), time_limit_is_end=True), 500_000, ACROBOT),
    Benchmark("Walker2d-v4", replace(continuous(), time_limit_is_end=True), 1_000_000, WALKER),
)

PAGE = """\
# Control tasks: the core where ground truth is known

`python evidence/control.py` writes this page, [its numbers](results/control.json) and its figure; it takes hours, and goes on where it was stopped.

A language model that learns says little about whether the loss is right: with a wrong sign in a clip, or a value taken one step late, it still learns
something. On small control tasks the returns of a right PPO are published. `proctor.lab.control` trains Gymnasium's tasks with the functions that train
language models (`objective.credit.gae` and `whiten`, `objective.surrogates.ppo_clip`, `objective.values.clipped_value_loss`, `objective.logprobs` for
discrete actions, `objective.diagnostics`); only networks, environments and the order of events are its own. Where each of PPO's 37 details stands:
[ppo-details.md](ppo-details.md).

{table}

{unfinished}Machine: {machine}; {versions}. One process, one thread, beside other work; seconds are of the processor.

![learning curves](figures/control.png)

*Mean return of the last 100 episodes so far, a line a seed; dashed and shaded: CleanRL's current mean and standard deviation.*

{verdicts}

{side_by_side}## Protocol

- A run's number is the mean undiscounted, unscaled return of the last {window} episodes of training, with the sampling policy, while the learning rate
  falls to 0; no separate evaluation, no best checkpoint. A row's number is the mean over seeds {seeds} ± the population's standard deviation of theirs.
- The interval of a difference is Welch's, over three seeds on each side. Where it holds 0 the two cannot be told apart by these seeds: that is no proof that
  they are the same.
- CleanRL's numbers are defined alike: `openrlbenchmark.rlops` takes each run's last 100 logged `charts/episodic_return`, which are training episodes, and
  of the three runs' means the mean and numpy's standard deviation. The first published number of an environment is the bar; other publications are earlier.
- *Noise* is what the same number varies by while the policy hardly changes: the standard deviation of the mean of the last {window} episodes over the last
  fifth of a run's curve, mean over seeds. Two means of three seeds differ by about 0.8 of it from this noise alone, before any difference of training.
- Hyper-parameters are those of CleanRL's `ppo.py` (500,000 steps, 4 environments x 128 steps) and `ppo_continuous_action.py` (1,000,000 steps, 1 x 2048);
  `discrete()` and `continuous()` in `proctor.lab.control.config` list them. Nothing was tuned.
- stable-baselines3 was run here by `benchmarks/peers/sb3_control.py`: the same hyper-parameters, seeds, protocol and versions of the environments, and code
  that is not ours. It says what a right PPO gives on these versions, which the published numbers cannot.
- CleanRL's current numbers are of `-v4` environments, its docs of 2022 of `-v2`, the same task through an older binding; its docs say that the two
  "roughly" perform alike, and for Walker2d print 2287.95 and 3050.09. Here `-v4` steps mujoco {mujoco}{simulators}. Gymnasium marks `-v4` as out of date
  and still has it. `-v5` changed the friction of a foot of Walker2d and no longer pays the healthy reward in an unhealthy step, so its returns are
  another quantity.

## What differs from CleanRL, on purpose

- Where the time limit cuts an episode, the value of its last observation stands for the rest (Pardo et al. 2018). CleanRL and openai/baselines count it as
  a termination. The rows "limit as end" do as they do (`time_limit_is_end=True`), so that this difference can be seen by itself.
- Advantages are normalised with the population's variance, as in openai/baselines; CleanRL takes the sample's.
- Logprobs and values of a segment are computed in one pass after it was collected, by the weights that collected it: the same up to rounding.
- Each environment has a seed of its own under the run's, so that runs with neighbouring seeds share no episodes.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/control"))
    parser.add_argument("--only", choices=[benchmark.stem for benchmark in BENCHMARKS], help="train only this one")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="do not write the page and the figure")
    part.add_argument("--report-only", action="store_true", help="write the page and the figure from the runs that are there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # networks this small lose by more threads
    warnings.filterwarnings("ignore", message=".*is out of date", category=DeprecationWarning)  # -v4 is what was published
    for benchmark in BENCHMARKS:
        if arguments.only in (None, benchmark.stem) and not arguments.report_only:
            for seed in benchmark.seeds:
                run(benchmark, seed, arguments.root)
    if not arguments.train_only:
        report(arguments.root)


def run(benchmark: Benchmark, seed: int, root: Path) -> None:
    """Train one agent, unless its file is there."""
    path = root / f"{benchmark.stem}-seed{seed}.json"
    partial = path.with_suffix(".partial.json")
    if path.exists():
        return
    started_s, cpu_s = time.perf_counter(), time.process_time()
    history: list[Progress] = []
    for progress in train(gymnasium_maker(benchmark.environment), benchmark.config, seed=seed, num_steps=benchmark.num_steps):
        history.append(progress)
        if len(history) % PARTIAL_EVERY == 0:
            write_json(partial, _record(benchmark, seed, history, time.perf_counter() - started_s, time.process_time() - cpu_s))
    write_json(path, _record(benchmark, seed, history, time.perf_counter() - started_s, time.process_time() - cpu_s))
    partial.unlink(missing_ok=True)


def _record(benchmark: Benchmark, seed: int, history: Sequence[Progress], wall_s: float, cpu_s: float) -> dict[str, Any]:
    returns = [value for progress in history for value in progress.episode_returns]
    return {
        "environment": benchmark.name,
        "seed": seed,
        "num_steps": history[-1].num_steps,
        "num_episodes": len(returns),
        "last_100_mean": _mean(returns[-WINDOW:]),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "machine": _machine(),
        "versions": {name: version(name) for name in ("torch", "numpy", "gymnasium", "mujoco")},
        "curve": _curve(benchmark, history),
        "final_update": {
            name: float(f"{getattr(history[-1].statistics, name):.4g}")
            for name in ("explained_variance", "entropy", "approx_kl", "clip_low_fraction", "clip_high_fraction", "value_loss", "grad_norm")
        },
    }


def _curve(benchmark: Benchmark, history: Sequence[Progress]) -> list[tuple[int, float]]:
    """(steps, mean return of the last 100 episodes so far), at about `POINTS` places of the whole run."""
    points: list[tuple[int, float]] = []
    returns: list[float] = []
    for progress in history:
        returns.extend(progress.episode_returns)
        if (returns and progress.num_steps >= (len(points) + 1) * benchmark.num_steps // POINTS) or progress is history[-1]:
            points.append((progress.num_steps, round(_mean(returns[-WINDOW:]), 2)))
    return points


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores"


def report(root: Path) -> None:
    """Write docs/control.md, its numbers and its figure from the runs that are there."""
    found = {benchmark: _read(benchmark, root) for benchmark in BENCHMARKS}
    results = [_result(benchmark, runs, root) for benchmark, runs in found.items()]
    example = next(run for runs in found.values() for run in runs)
    write_json(
        DOCS / "results" / "control.json",
        {"command": "python evidence/control.py", "machine": example["machine"], "versions": example["versions"], "results": results},
    )
    unfinished = [
        f"{result['environment']} seed {run['seed']} ({run['num_steps']:,} steps)" for result in results for run in result["runs"] if not run["is_finished"]
    ]
    (DOCS / "control.md").write_text(
        PAGE.format(
            table=_table(results),
            unfinished=f"Not finished when this page was written: {', '.join(unfinished)}; the command above goes on.\n\n" if unfinished else "",
            machine=example["machine"],
            versions=", ".join(f"{name} {number}" for name, number in example["versions"].items()),
            mujoco=example["versions"]["mujoco"],
            simulators=_simulators(root),
            window=WINDOW,
            seeds=", ".join(map(str, SEEDS)),
            verdicts=_verdicts(results),
            side_by_side=_side_by_side(root),
        )
    )
    _figure(DOCS / "figures" / "control.png", found)


def _read(benchmark: Benchmark, root: Path) -> list[dict[str, Any]]:
    """The runs that are there, finished or not."""
    runs = []
    for seed in SEEDS:
        path = root / f"{benchmark.stem}-seed{seed}.json"
        partial = path.with_suffix(".partial.json")
        if path.exists() or partial.exists():
            runs.append({**json.loads((path if path.exists() else partial).read_text()), "is_finished": path.exists()})
    return runs


def _measured(benchmark: Benchmark, root: Path) -> list[Published]:
    """stable-baselines3 on this machine and these versions of the environments, where its three runs are there. It bootstraps at time limits."""
    runs = [json.loads(path.read_text()) for seed in SEEDS if (path := root / f"sb3-{benchmark.environment}-seed{seed}.json").exists()]
    if len(runs) < len(SEEDS) or benchmark.config.time_limit_is_end:
        return []
    means = [run["last_100_mean"] for run in runs]
    seeds = ", ".join(f"{mean:.2f}" for mean in means)
    return [Published(f"{REFERENCE} {runs[0]['versions']['stable-baselines3']}, run here ({seeds})", statistics.mean(means), statistics.pstdev(means))]


def _simulators(root: Path) -> str:
    """How far the same first steps on two versions of the simulator lie apart, where `control_simulators.py` ran on two of the same length."""
    found = [json.loads(path.read_text()) for path in sorted(root.glob("simulator-*.json"))]
    if len(found) != 2 or len({(one["environment"], one["num_steps"]) for one in found}) > 1:
        return ""
    write_json(DOCS / "results" / "control-simulators.json", {"command": "python evidence/control_simulators.py, in two environments", "runs": found})
    numbers = " and ".join(f"mujoco {one['versions']['mujoco']} (gymnasium {one['versions']['gymnasium']})" for one in found)
    first, second = (one["episode_returns"] for one in found)
    apart = max(map(abs, map(float.__sub__, first, second)))
    same = (
        f"differ by less than {10.0 ** math.ceil(math.log10(apart or 1e-16)):.0e}"
        if len(first) == len(second)
        else f"are of {len(first)} and {len(second)} episodes"
    )
    return (
        f". Over the first {found[0]['num_steps']:,} steps of training, {len(first)} short falls (`evidence/control_simulators.py`), the\n"
        f"  returns on {numbers} {same}: it is the same task, which says nothing of how training\n"
        "  goes on once rounding has parted the runs"
    )


def _result(benchmark: Benchmark, runs: Sequence[dict[str, Any]], root: Path) -> dict[str, Any]:
    finished = [run for run in runs if run["is_finished"]]
    means = [run["last_100_mean"] for run in finished]
    is_complete = len(means) == len(SEEDS)
    mean = statistics.mean(means) if is_complete else None
    return {
        "environment": benchmark.name,
        "num_steps": benchmark.num_steps,
        "bar": benchmark.bar,
        "mean": mean,
        "std": statistics.pstdev(means) if is_complete else None,
        "noise": statistics.mean(_noise(run) for run in finished) if finished else None,
        "is_met": benchmark.is_met(means) if is_complete else None,
        "published": [
            {"source": one.source, "mean": one.mean, "std": one.std, "contains_mean": None if mean is None else one.contains(mean)}
            for one in (*benchmark.published, *_measured(benchmark, root))
        ],
        "runs": [{key: value for key, value in run.items() if key not in ("environment", "machine", "versions")} for run in runs],
    }


def _noise(run: dict[str, Any]) -> float:
    return statistics.stdev(value for _, value in run["curve"][-POINTS // 5 :])


def _table(results: Sequence[dict[str, Any]]) -> str:
    rows = ["| environment | steps | seeds, last 100 episodes | mean ± std | noise | bar | met | seconds a seed |", "|---|---|---|---|---|---|---|---|"]
    for result in results:
        runs = result["runs"]
        seeds = ", ".join(f"{run['last_100_mean']:.2f}" if run["is_finished"] else f"({run['last_100_mean']:.2f})" for run in runs) or "none yet"
        mean = "" if result["mean"] is None else f"{result['mean']:.2f} ± {result['std']:.2f}"
        noise = "" if result["noise"] is None else f"{result['noise']:.2f}"
        met = {None: "not finished", True: "yes", False: "**no**"}[result["is_met"]]
        finished = [run["cpu_s"] for run in runs if run["is_finished"]]
        seconds = f"{statistics.mean(finished):.0f}" if finished else ""
        rows.append(f"| {result['environment']} | {result['num_steps']:,} | {seeds} | {mean} | {noise} | {result['bar']} | {met} | {seconds} |")
    return "\n".join(rows)


def _verdicts(results: Sequence[dict[str, Any]]) -> str:
    """Our mean beside each published number."""
    rows = ["| environment | ours | reference | by | ours within one std of it | difference, 95 % interval |", "|---|---|---|---|---|---|"]
    for result in results:
        ours = "" if result["mean"] is None else f"{result['mean']:.2f}"
        for one in result["published"]:
            where = "not finished"
            if result["mean"] is not None:
                distance = (result["mean"] - one["mean"]) / one["std"]
                where = f"{'yes' if one['contains_mean'] else 'no'}: {abs(distance):.1f} std {'above' if distance > 0 else 'below'}"
            difference = "" if result["mean"] is None else "{:+.1f} [{:+.1f}, {:+.1f}]".format(*_difference(result, one))
            rows.append(f"| {result['environment']} | {ours} | {one['mean']:.2f} ± {one['std']:.2f} | {one['source']} | {where} | {difference} |")
    return "\n".join([*rows, *_remarks(results)])


def _remarks(results: Sequence[dict[str, Any]]) -> list[str]:
    """Where the implementation that was run here misses the published band itself."""
    lines: list[str] = []
    for result in results:
        bar, *others = result["published"]
        for one in others:
            if one["source"].startswith(REFERENCE) and abs(one["mean"] - bar["mean"]) > bar["std"]:
                lines += ["", f"On {result['environment']} the reference that was run here misses {bar['source']}'s band as well ({one['mean']:.2f})."]
    return [*lines, "", *_by_publication(results)]


def _by_publication(results: Sequence[dict[str, Any]]) -> list[str]:
    """Which of CleanRL's publications hold our mean, of the runs that end an episode at the time limit as CleanRL does."""
    lines = [
        "CleanRL has published Acrobot and Walker2d more than once. Our runs that count the time limit as an end, as its own do (Walker2d-v4 throughout):",
        "",
    ]
    lines += ["| publication | its environment | its mean ± std | ours | within |", "|---|---|---|---|---|"]
    for source in PUBLICATIONS:
        for result in results:
            for one in result["published"]:
                is_old = one["source"].endswith(OLD_BINDING)
                if one["source"].removesuffix(OLD_BINDING) == source and result["environment"].endswith("limit as end") and result["mean"] is not None:
                    environment = result["environment"].partition(",")[0]
                    theirs = environment.replace("-v4", "-v2") if is_old else environment
                    within = "yes" if one["contains_mean"] else "**no**"
                    lines.append(f"| {source} | {theirs} | {one['mean']:.2f} ± {one['std']:.2f} | {result['mean']:.2f} | {within} |")
    return lines


SIDE_BY_SIDE_PAGE = """\
## Side by side with CleanRL's own code

Three seeds are few, and a published standard deviation of three says little. So CleanRL's own scripts, as its package 1.2.0 has them, with gym, gymnasium
and mujoco as it pins them ({versions}), were run here by `benchmarks/peers/cleanrl_control.py`, beside ours in the form that
ends an episode at the time limit as they do. The rule was written before these runs: agreement where our mean lies within one standard deviation of
theirs, over as many seeds.

| environment | seeds | ours | CleanRL's code, run here | within one std of it | difference, 95 % interval | CleanRL's code within its current published band |
|---|---|---|---|---|---|---|
{rows}

"""


def _side_by_side(root: Path) -> str:
    """The section that compares with CleanRL's code, where its runs and as many of ours are there."""
    rows, versions = list[str](), dict[str, str]()
    found = list[dict[str, Any]]()
    for benchmark in BENCHMARKS:
        if not benchmark.config.time_limit_is_end:
            continue
        pairs = [(root / f"{benchmark.stem}-seed{seed}.json", root / f"cleanrl-{benchmark.environment}-seed{seed}.json") for seed in benchmark.seeds]
        runs = [(json.loads(ours.read_text()), json.loads(theirs.read_text())) for ours, theirs in pairs if ours.exists() and theirs.exists()]
        if len(runs) < len(benchmark.seeds):
            continue
        means = tuple([run["last_100_mean"] for run in side] for side in zip(*runs, strict=True))
        (mean, std), (their_mean, their_std) = ((statistics.mean(values), statistics.pstdev(values)) for values in means)
        difference, low, high = _difference({"mean": mean, "std": std}, {"mean": their_mean, "std": their_std}, seeds=len(runs))
        theirs, current = Published("CleanRL, run here", their_mean, their_std), benchmark.published[0]
        cells = (
            benchmark.name,
            f"1 to {len(runs)}",
            f"{mean:.2f} ± {std:.2f}",
            f"{their_mean:.2f} ± {their_std:.2f}",
            "yes" if theirs.contains(mean) else "**no**",
            f"{difference:+.1f} [{low:+.1f}, {high:+.1f}]",
            f"{'yes' if current.contains(their_mean) else '**no**'} ({current.mean:.2f} ± {current.std:.2f})",
        )
        rows.append(f"| {' | '.join(cells)} |")
        versions |= runs[0][1]["versions"]
        found.append({"environment": benchmark.name, "ours": means[0], "cleanrl": means[1], "versions": runs[0][1]["versions"]})
    if not rows:
        return ""
    write_json(DOCS / "results" / "control-side-by-side.json", {"command": "benchmarks/peers/cleanrl_control.py, evidence/control.py", "results": found})
    return SIDE_BY_SIDE_PAGE.format(versions=", ".join(f"{name} {number}" for name, number in versions.items() if name != "cleanrl"), rows="\n".join(rows))


def _difference(ours: dict[str, Any], published: dict[str, Any], *, seeds: int = len(SEEDS)) -> tuple[float, float, float]:
    """Ours minus theirs with Welch's 95 % interval over as many seeds on each side; both standard deviations are the population's."""
    first, second = (std**2 / (seeds - 1) for std in (ours["std"], published["std"]))  # variances of the two means
    freedom = (first + second) ** 2 / ((first**2 + second**2) / (seeds - 1))
    half = T_95[int(freedom + 1e-9) - 1] * (first + second) ** 0.5  # of the next whole number below, which is a little too wide
    mean = ours["mean"] - published["mean"]
    return mean, mean - half, mean + half


def _figure(path: Path, found: dict[Benchmark, list[dict[str, Any]]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(found), figsize=(4 * len(found), 3.6), dpi=130)
    for axes, (benchmark, runs) in zip(panels, found.items(), strict=True):
        current = benchmark.published[0]
        axes.axhspan(current.mean - current.std, current.mean + current.std, color="0.85", zorder=0)
        axes.axhline(current.mean, color="0.4", linestyle="--", linewidth=1, label="CleanRL")
        for run, ink in zip(runs, INK, strict=False):
            steps, returns = zip(*run["curve"], strict=True)
            axes.plot([step / 1e6 for step in steps], returns, color=ink, label=f"seed {run['seed']}")
        axes.set(title=benchmark.name, xlabel="million steps", xlim=(0, benchmark.num_steps / 1e6))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].set_ylabel("return, mean of the last 100 episodes")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
