"""Builds a session in the order in which mistakes are cheapest to find.

configuration -> objective -> data -> rewards (every gold answer must verify) -> model -> prompts fit -> run directory
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proctor.algorithms.spec import AnyObjective, DistillationObjective, Objective
from proctor.chat.renderer import Renderer, teach_modes
from proctor.config import RunConfig, build_objective
from proctor.data.loaders import LoadedTasks, num_shared_prompts
from proctor.data.mixture import Mixture
from proctor.data.schedule import Schedule
from proctor.engines.base import rollout_seed
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.load import load_policy, with_adapters
from proctor.models.policy import Policy
from proctor.rollouts.groups import RolloutPlan
from proctor.training.events import Listener, Phase
from proctor.training.model_source import model_source
from proctor.training.reward_model import attach_reward_models
from proctor.training.reward_parts import open_rewards
from proctor.training.session import Given, Session
from proctor.training.sources import fitting, joined, load_data, prompt_room, repeating
from proctor.training.watch import Watch, check_canaries, tripwires_for
from proctor.verifiers.rewards import Rewards


def build_session(config: RunConfig, given: Given, emit: Listener) -> Session:
    """Build everything but the run directory, which needs nothing from here to be refused.

    Raises:
        ProctorError: of the room whose part does not fit.
    """
    objective = build_objective(config)
    emit(Phase("loading"))
    sources, test = load_data(config, given.train, given.test)
    rewards = open_rewards(config.rewards if given.rewards is None else given.rewards, config.scoring)
    try:
        rewards.check_gold([task for source in sources for task in source.tasks])
        rewards.check_gold(test.tasks[: config.evaluation.num_tasks])
        policy = _policy(config, given.policy)
        attach_reward_models(rewards, policy)
        if config.audit.canary_rate:
            check_canaries([task for source in sources for task in source.tasks], rewards, seed=config.seed)
        return _assemble(config, objective, sources, test, rewards, policy, emit)
    except BaseException:
        rewards.close()
        raise


def _assemble(
    config: RunConfig, objective: AnyObjective, sources: Sequence[LoadedTasks], test: LoadedTasks, rewards: Rewards, policy: Policy, emit: Listener
) -> Session:
    if config.thinking.teach:
        teach_modes(policy.tokenizer)
    renderer = Renderer(policy.tokenizer, config.thinking.mode)
    prompts = [task.messages for source in sources for task in source.tasks]
    renderer.check_budgets(config.thinking.budgets, prompts, max_completion_tokens=config.max_completion_tokens)
    room = prompt_room(policy, renderer, max_completion_tokens=config.max_completion_tokens, budgets=config.thinking.budgets)
    loaded = [*sources, test]
    *sources, test = [replace(one, tasks=fitting(one.tasks, renderer, room, source=one.source)) for one in loaded]
    num_dropped = sum(len(one.tasks) for one in loaded) - sum(len(one.tasks) for one in (*sources, test))
    train = joined(sources)
    data = config.data
    weights = [data.weight, *(further.weight for further in data.further)] if data.further else None
    plan = LearnerPlan(
        learning_rate=config.learning_rate,
        num_steps=config.num_steps,
        temperature=config.temperature,
        seed=config.seed,
        is_truncated=config.sampling.is_truncated,
        skips_stale=config.rollout.stale_tokens == "skip",
        samples_policy=config.engine.precision == "same",
    )
    learner = Learner(policy, config.learner, plan, objective, teacher=_teacher(config, objective, policy))
    engine = LocalEngine(policy, max_rows=config.engine.max_rows, is_deterministic=config.deterministic)
    return Session(
        config=config,
        objective=objective,
        train=train,
        test=test,
        rewards=rewards,
        policy=policy,
        engine=engine,
        sampler=_sampler(config, learner, engine),
        renderer=renderer,
        learner=learner,
        mixture=Mixture(sources, weights, config.seed),
        refills=Mixture(sources, weights, rollout_seed("refills", config.seed)),
        schedule=Schedule(sources, weights, config.seed, data.schedule) if data.schedule.is_on else None,
        plan=_rollout_plan(config, objective, room),
        emit=emit,
        notes=(*_notes(config, policy, engine, renderer, learner, train, test, num_dropped), *repeating(config, sources, weights)),
        watch=Watch(config.audit, config.seed, tripwires_for(config.audit, objective)),
    )


def _sampler(config: RunConfig, learner: Learner, engine: LocalEngine) -> LocalEngine:
    """What writes training rollouts: the engine of evaluations, unless a snapshot writes them, or the weights are read in another precision."""
    if not learner.snapshot and config.engine.precision == "same":
        return engine
    return LocalEngine(learner.behavior, max_rows=config.engine.max_rows, is_deterministic=config.deterministic, precision=config.engine.precision)


def _rollout_plan(config: RunConfig, objective: AnyObjective, room: int | None) -> RolloutPlan:
    plan = RolloutPlan(config.group_size, config.sampling, config.seed, budgets=config.thinking.budgets, max_prompt_tokens=room)
    if not isinstance(objective, Objective):
        return plan
    return replace(plan, needs_greedy=objective.needs_greedy, needs_steps=objective.needs_steps, collection=objective.collection)


def _teacher(config: RunConfig, objective: AnyObjective, policy: Policy) -> Policy | None:
    """The teacher of a distillation objective, frozen.

    Raises:
        ConfigError: its vocabulary is not the student's.
    """
    if not isinstance(objective, DistillationObjective):
        return None
    teacher = load_policy(model_source(objective.teacher), device=config.device, compute_dtype=config.compute_dtype, seed=config.seed)
    if teacher.tokenizer.get_vocab() != policy.tokenizer.get_vocab():
        raise ConfigError(
            f"the teacher {objective.teacher!r} has another vocabulary than the student {config.model!r}: "
            "distillation compares distributions over the same tokens"
        )
    teacher.model.requires_grad_(False)
    return teacher


def _notes(
    config: RunConfig,
    policy: Policy,
    engine: LocalEngine,
    renderer: Renderer,
    learner: Learner,
    train: LoadedTasks,
    test: LoadedTasks,
    num_dropped: int,
) -> tuple[str, ...]:
    """What the user should know before the first step."""
    dtype = str(policy.compute_dtype).removeprefix("torch.")
    notes = [
        f"train: {train.describe()}",
        *([f"held out: {test.describe()}"] if config.evaluation.num_tasks else []),
        f"{policy.num_parameters / 1e6:.1f}M parameters, fp32 weights, computing in {dtype} on {policy.device}",
    ]
    if num_dropped:
        notes.append(
            f"{num_dropped} tasks left out: their prompt and max_completion_tokens={config.max_completion_tokens} "
            f"exceed the model's context of {policy.max_context_tokens}"
        )
    if not renderer.has_template:
        notes.append("the model has no chat template: prompts are given to it as plain text")
    if learner.path.reason:
        notes.append(f"slower path: {learner.path.reason}")
    if engine.slow_reason:
        notes.append(f"slower sampling: prompts are repeated for each completion, since {engine.slow_reason}")
    if config.evaluation.num_tasks and (shared := num_shared_prompts(train.tasks, test.tasks)):
        notes.append(f"{shared} of {len(test.tasks)} held-out prompts are also trained on: their accuracy says nothing about new tasks")
    if config.scoring.in_process:
        notes.append("reward functions run inside this process: a hang or crash of theirs is a hang or crash of the run")
    return tuple(notes)


def _policy(config: RunConfig, given: Policy | None) -> Policy:
    """The policy to train: loaded as configured, or the caller's, which must be what the configuration says.

    Raises:
        ConfigError: the caller's policy lies on another device or computes in another dtype.
    """
    lora = config.learner.lora
    if given is None:
        return load_policy(config.model, device=config.device, compute_dtype=config.compute_dtype, lora=lora, seed=config.seed)
    wanted = {"device": config.device or given.device.type, "compute_dtype": config.compute_dtype}
    found = {"device": given.device.type, "compute_dtype": str(given.compute_dtype).removeprefix("torch.")}
    for name, value in wanted.items():
        if value not in ("auto", found[name], str(given.device)):
            why = " (deterministic runs need it)" if config.deterministic else ""
            raise ConfigError(f"the policy given has {name} {found[name]}, but {value} is asked for{why}; use load_policy(..., {name}={value!r})")
    return with_adapters(given, lora, seed=config.seed) if lora is not None and not given.has_adapters else given
