"""`proctor eval`."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proctor.chat.thinking import MODES, Mode, follows
from proctor.config import GIVEN_IN_PYTHON, RewardConfig, RunConfig, ScoringConfig, from_mapping
from proctor.core import RolloutGroup, Task
from proctor.data.config import DataConfig
from proctor.data.loaders import load_tasks, load_train_and_test
from proctor.engines.base import Sampling
from proctor.errors import ConfigError
from proctor.models.config import ComputeDtype
from proctor.rollouts.config import ThinkingConfig
from proctor.training.evaluate import Evaluation, evaluate
from proctor.training.model_source import model_source
from proctor.training.reward_model import REWARD_MODEL, attach_reward_models
from proctor.training.reward_parts import open_rewards
from proctor.training.rollout_table import write_rollouts
from proctor.training.run import paired_gain
from proctor.training.run_directory import RunDirectory, is_run


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is made to think in one line of the table: in which mode, and for how long; None leaves it alone."""

    mode: Mode | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is evaluated: the same for both models of a comparison."""

    tasks: tuple[Task, ...]
    source: str
    rewards: tuple[RewardConfig, ...]
    scoring: ScoringConfig
    sampling: Sampling
    num_samples: int
    ks: tuple[int, ...]
    seed: int
    compute_dtype: ComputeDtype
    settings: tuple[Setting, ...]
    chosen_by: str = ""


CHOOSER = "chooser"
"""What the reward model of --reward-model is called among the rewards."""


def run(options: argparse.Namespace) -> int:
    """Evaluate one model or compare two, and print the result."""
    plan = _plan(options)
    if options.rollouts and not Path(options.rollouts).parent.is_dir():
        raise ConfigError(f"--rollouts {options.rollouts}: there is no directory {str(Path(options.rollouts).parent)!r}; make it first")
    if len(plan.settings) > 1 and (options.rollouts or options.against):
        raise ConfigError(f"--rollouts and --against go with one mode and one thinking budget, not with {len(plan.settings)} settings; choose one")
    found = _evaluate(options.model, plan)
    report: dict[str, Any] = {"model": options.model, "data": plan.source, "num_samples": plan.num_samples}
    if plan.settings != (Setting(),):
        report["settings"] = [_line(setting, evaluation, groups) for setting, (evaluation, groups) in zip(plan.settings, found, strict=True)]
    evaluation, groups = found[0]
    if len(plan.settings) == 1:
        report |= evaluation.as_summary()
    if options.rollouts:
        write_rollouts(Path(options.rollouts), 0, groups, weights={reward.name or reward.function.rpartition(":")[2]: reward.weight for reward in plan.rewards})
    if options.against:
        ((other, _),) = _evaluate(options.against, plan)
        report["against"] = {"model": options.against, **other.as_summary()}
        report["difference"] = paired_gain(other.per_task, evaluation.per_task, seed=plan.seed)
    print(json.dumps(report, indent=2) if options.json else text_of(report))
    return 0


def _line(setting: Setting, evaluation: Evaluation, groups: Sequence[RolloutGroup]) -> dict[str, Any]:
    """One line of the table; with a mode, how many completions did what its flag asks for."""
    values: dict[str, Any] = {"mode": setting.mode, "thinking_budget": setting.budget, **evaluation.as_summary()}
    texts = [rollout.text for group in groups for rollout in group.rollouts]
    if setting.mode is not None and texts:
        values["followed_fraction"] = sum(follows(setting.mode, text) for text in texts) / len(texts)
    return values


def _plan(options: argparse.Namespace) -> _Plan:
    config = _config_of_run(options.model)
    for name, value in (("--num-tasks", options.num_tasks), ("--num-samples", options.num_samples)):
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, not {value}")
    temperature = options.temperature if options.temperature is not None else 0.0 if options.num_samples == 1 else 1.0
    if temperature == 0 and options.num_samples > 1:
        raise ConfigError(f"--num-samples {options.num_samples} with --temperature 0 gives the same completion every time; use a temperature above 0")
    asked = options.max_completion_tokens
    max_tokens = asked if asked is not None else config.max_completion_tokens if config else 256
    rewards = tuple(RewardConfig(name) for name in options.reward) if options.reward else config.rewards if config else (RewardConfig("number"),)
    ks = _ks(options)
    if options.reward_model:
        if not ks:
            raise ConfigError("--reward-model chooses for best@k, so it needs --k, as in --num-samples 8 --k 4,8")
        rewards = (*rewards, RewardConfig(REWARD_MODEL, weight=0.0, name=CHOOSER, arguments={"path": options.reward_model}))
    tasks, source = _tasks(options, config)
    stop = config.engine.stop if config else ()
    return _Plan(
        tasks[: options.num_tasks],
        source,
        rewards,
        config.scoring if config else ScoringConfig(),
        Sampling(temperature, max_tokens, stop=stop),
        options.num_samples,
        ks,
        options.seed,
        config.compute_dtype if config else "auto",
        _settings(options, config.thinking if config else ThinkingConfig()),
        CHOOSER if options.reward_model else "",
    )


def _settings(options: argparse.Namespace, own: ThinkingConfig) -> tuple[Setting, ...]:
    """Every mode with every budget, in the order given; without flags, how the run itself was evaluated."""
    modes: tuple[Mode | None, ...] = MODES if options.mode == "both" else (options.mode or own.mode,)
    budgets = budgets_of(options.thinking_budget) if options.thinking_budget else tuple(sorted(own.budgets)[-1:]) or (None,)
    return tuple(Setting(mode, budget) for mode in modes for budget in budgets)


def budgets_of(text: str) -> tuple[int | None, ...]:
    """Read thinking budgets: whole numbers with commas between them, and `none` for no limit.

    Raises:
        ConfigError: something else stands there, or one comes twice.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part == "none" or (part.isascii() and part.isdigit() and int(part) > 0) for part in parts) or len(set(parts)) < len(parts):
        raise ConfigError(
            f"--thinking-budget needs different numbers of tokens, at least 1, with commas between them, or none, as in 64,256,none; not {text!r}"
        )
    return tuple(None if part == "none" else int(part) for part in parts)


def _config_of_run(model: str) -> RunConfig | None:
    """The configuration of a run directory, or None for a model."""
    if not is_run(Path(model)):
        return None
    values = RunDirectory.inspect(Path(model)).config
    return from_mapping({key: value for key, value in values.items() if key != "recipe"})


def _tasks(options: argparse.Namespace, config: RunConfig | None) -> tuple[tuple[Task, ...], str]:
    if options.data is None:
        if config is None:
            raise ConfigError("--data is needed: a generator (arithmetic), a file (tasks.jsonl) or a hub data set (openai/gsm8k)")
        if config.data.train == GIVEN_IN_PYTHON:
            raise ConfigError(f"the run {options.model} was made from Python with tasks of its own; name some with --data, and the reward with --reward")
        held_out = load_train_and_test(config.data, config.seed)[1]
        return held_out.tasks, held_out.source
    data = replace(config.data, train=options.data) if config else DataConfig(train=options.data)
    loaded = load_tasks(options.data, config=data, split=data.split_test, seed=options.seed)
    return loaded.tasks, loaded.source


def _ks(options: argparse.Namespace) -> tuple[int, ...]:
    try:
        ks = tuple(int(part) for part in options.k.split(",") if part.strip())
    except ValueError:
        raise ConfigError(f"--k needs whole numbers with commas between them, as in 1,4,8; not {options.k!r}") from None
    wrong = [k for k in ks if not 1 <= k <= options.num_samples]
    if wrong:
        raise ConfigError(f"--k {wrong[0]} is not between 1 and --num-samples {options.num_samples}; sample more or ask for a smaller k")
    return ks


def _evaluate(model: str, plan: _Plan) -> list[tuple[Evaluation, list[RolloutGroup]]]:
    """An evaluation for each setting of the plan."""
    from proctor.chat.renderer import Renderer
    from proctor.engines.local import LocalEngine
    from proctor.models.load import load_policy
    from proctor.rollouts.groups import Workshop

    with open_rewards(plan.rewards, plan.scoring) as rewards:
        rewards.check_gold(plan.tasks)
        policy = load_policy(model_source(model), compute_dtype=plan.compute_dtype)
        attach_reward_models(rewards, policy)
        renderers = {setting: Renderer(policy.tokenizer, setting.mode) for setting in plan.settings}
        prompts, budgets = [task.messages for task in plan.tasks], [setting.budget for setting in plan.settings if setting.budget is not None]
        next(iter(renderers.values())).check_budgets(budgets, prompts, max_completion_tokens=plan.sampling.max_completion_tokens)
        engine = LocalEngine(policy)
        found: list[tuple[Evaluation, list[RolloutGroup]]] = []
        for setting, renderer in renderers.items():
            work = evaluate(
                plan.tasks,
                workshop=Workshop(engine, renderer, rewards, lambda phase: None),
                sampling=plan.sampling,
                num_samples=plan.num_samples,
                seed=plan.seed,
                ks=plan.ks,
                budgets=() if setting.budget is None else (setting.budget,),
                chosen_by=plan.chosen_by,
            )
            found.append(asyncio.run(work))
        return found


def text_of(report: dict[str, Any]) -> str:
    """A report for people."""
    lines = [f"{report['model']} on {report['data']}"]
    if "settings" in report:
        lines += _table(report["settings"])
    else:
        lines += _figures(report)
    if "against" in report:
        lines += [report["against"]["model"], *_figures(report["against"])]
        lines.append(f"  difference{'':<7} {_interval(report['difference'], '+.3f')}  (95 % interval over tasks, paired)")
    return "\n".join(lines)


def _table(settings: Sequence[dict[str, Any]]) -> list[str]:
    """A line a setting: mode, budget, reward and avg/pass/maj/best@k with their intervals, lengths, and how many were cut."""
    spread = [name for name in settings[0] if name.startswith(("avg@", "pass@", "maj@", "best@"))]
    rows = [["mode", "budget", "reward", *spread, "tokens", "truncated", "cut", "followed"]]
    for line in settings:
        followed = f"{line['followed_fraction']:.0%}" if "followed_fraction" in line else "-"
        shares = [f"{line['truncated_fraction']:.0%}", f"{line.get('budget_fraction', 0.0):.0%}", followed]
        intervals = [_interval(line), *(_interval(line[name]) for name in spread)]
        rows.append([line["mode"] or "-", str(line["thinking_budget"] or "none"), *intervals, f"{line['completion_tokens_mean']:.1f}", *shares])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _figures(values: dict[str, Any]) -> Sequence[str]:
    spread = [(name, value) for name, value in values.items() if name.startswith(("avg@", "pass@", "maj@", "best@"))]
    return [
        f"  reward           {_interval(values)}  ({values['num_tasks']} tasks)",
        *(f"  {name:<16} {_interval(value)}" for name, value in spread),
        f"  tokens           {values['completion_tokens_mean']:.1f} a completion, {values['truncated_fraction']:.0%} truncated",
        *([f"  not scored       {values['num_errors']} completions, left out"] if values["num_errors"] else []),
    ]


def _interval(values: dict[str, float], form: str = ".3f") -> str:
    return f"{values['mean']:{form}} [{values['low']:{form}}, {values['high']:{form}}]"
