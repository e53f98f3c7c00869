"""A session holds what a run is made of, built in the order in which mistakes are cheapest to find.

configuration -> objective -> data -> rewards (every gold answer must verify) -> model -> prompts fit -> run directory
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from proctor.algorithms.collection import Collection, Demonstrations
from proctor.algorithms.spec import AnyObjective, DistillationObjective, Objective
from proctor.chat.renderer import Renderer, teach_modes
from proctor.config import RewardConfig, RunConfig, ScoringConfig, build_objective, to_mapping
from proctor.core import RolloutGroup, Task
from proctor.data.loaders import LoadedTasks, content_hash, num_shared_prompts
from proctor.data.mixture import Mixture
from proctor.data.schedule import Schedule
from proctor.engines.base import rollout_seed
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError, VerifierError
from proctor.learner.batch import build_batch
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.load import load_policy, with_adapters
from proctor.models.policy import Policy
from proctor.models.scoring import Sequences
from proctor.plugins import load
from proctor.rollouts.demonstrations import demonstration_groups
from proctor.rollouts.groups import Clock, Collected, RolloutPlan, Workshop, collect_groups, collect_with_refills
from proctor.rollouts.partial import OpenGroup, collect_partial
from proctor.sandbox.base import Limits
from proctor.training.evaluate import Evaluation, evaluate, success_rate, summarize_ranking
from proctor.training.events import EvaluationFinished, Listener, Phase, Warned
from proctor.training.manifest import Manifest
from proctor.training.model_source import model_source
from proctor.training.reward_model import REWARD_MODEL, RewardModelScorer, attach_reward_models
from proctor.training.run_directory import RunDirectory
from proctor.training.sources import fitting, joined, load_data, repeating
from proctor.training.tracking import Tracker
from proctor.training.watch import Watch, check_canaries, compares_rollouts, tripwires_for
from proctor.verifiers.base import RewardPart, ScorerPart
from proctor.verifiers.names import ALIASES, ENTRY_POINT_GROUP
from proctor.verifiers.rewards import Rewards, as_part


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller in Python hands over ready-made instead of naming it in the configuration."""

    policy: Policy | None = None
    train: Sequence[Task] | None = None
    test: Sequence[Task] | None = None
    rewards: Sequence[RewardPart] | None = None


@dataclass(slots=True)
class Session:
    """Everything that the steps of a run use."""

    config: RunConfig
    objective: AnyObjective
    train: LoadedTasks
    test: LoadedTasks
    rewards: Rewards
    policy: Policy
    engine: LocalEngine
    renderer: Renderer
    learner: Learner
    mixture: Mixture
    refills: Mixture
    schedule: Schedule | None
    sampler: LocalEngine
    plan: RolloutPlan
    emit: Listener
    notes: tuple[str, ...]
    watch: Watch
    run: RunDirectory = field(init=False)
    tracker: Tracker = field(init=False)
    in_flight: list[OpenGroup] = field(default_factory=list[OpenGroup])
    _num_steps_without_variance: int = 0

    async def evaluate(self, name: str, *, step: int) -> Evaluation | None:
        """Evaluate on the held-out tasks; None where the configuration asks for none."""
        settings = self.config.evaluation
        tasks = self.test.tasks[: settings.num_tasks]
        if not tasks:
            return None
        self.emit(Phase("evaluating"))
        workshop = Workshop(self.engine, self.renderer, self.rewards, lambda phase: None)
        if self.learner.reward_model is not None:
            evaluation = await self._rank(tasks, workshop)
        else:
            budgets = tuple(sorted(self.plan.budgets)[-1:])
            options = {"sampling": self.config.evaluation_sampling, "num_samples": settings.num_samples, "seed": self.config.seed, "budgets": budgets}
            evaluation, _ = await evaluate(tasks, workshop=workshop, **options)
        interval = evaluation.reward
        self.emit(EvaluationFinished(name, interval.mean, interval.low, interval.high, interval.num_tasks, step))
        return evaluation

    async def _rank(self, tasks: Sequence[Task], workshop: Workshop) -> Evaluation:
        """How a reward model ranks held-out rollouts of the policy: the fraction of pairs in the right order, by task."""
        groups = await collect_groups(tasks, step=0, workshop=workshop, plan=replace(self.plan, purpose="evaluation", collection=Collection()))
        return summarize_ranking(groups, [self.learner.ranking_accuracy(group) for group in groups], seed=self.config.seed)

    def set_version(self, version: int) -> None:
        """Say which weights the policy has. A snapshot that samples keeps those it was taken of."""
        self.engine.policy_version = version
        if not self.learner.snapshot:
            self.sampler.policy_version = version

    async def collect(self, step: int, clock: Clock) -> Collected:
        """The groups of one step, from wherever the objective takes them."""
        schedule, num = self.schedule, self.config.prompts_per_step
        tasks = self.mixture.take(step, num) if schedule is None else schedule.take(step, num)
        if isinstance(self.objective.source, Demonstrations):
            clock("sampling")
            limit = self.config.max_completion_tokens
            return Collected(demonstration_groups(tasks, renderer=self.renderer, rewards=self.rewards, max_tokens=limit), [])

        def more(number: int, count: int) -> Sequence[Task]:
            if schedule is not None:
                return schedule.take(step, count, draw=number)
            # Every round of every step has a place of its own in the second stream, so that a resumed run draws the same.
            return self.refills.take(step * self.plan.collection.max_refills + number - 1, self.config.prompts_per_step)[:count]

        workshop = Workshop(self.sampler, self.renderer, self.rewards, clock)
        if self.config.rollout.partial_tokens:
            collected, self.in_flight = await collect_partial(tasks, self.in_flight, step=step, workshop=workshop, plan=self.plan, config=self.config.rollout)
        else:
            collected = await collect_with_refills(tasks, more, step=step, workshop=workshop, plan=self.plan)
        if schedule is not None:
            groups = [*collected.groups, *collected.dropped]
            schedule.learn(step, [(group.task.id, rate) for group in groups if (rate := success_rate(group)) is not None])
        return collected

    async def collect_canaries(self, step: int, clock: Clock) -> list[RolloutGroup]:
        """The groups of a step's canaries: a call of their own, so that the step's groups are those of a run without canaries, to the bit."""
        twins = self.watch.canaries(self.mixture.take(step, self.config.prompts_per_step), step)
        if not twins:
            return []
        plan = replace(self.plan, purpose="canary", needs_greedy=False, needs_steps=False, collection=Collection())
        try:
            return await collect_groups(twins, step=step, workshop=Workshop(self.sampler, self.renderer, self.rewards, clock), plan=plan)
        except VerifierError as error:  # of rewards that break only on canaries; on the step's own tasks it ends the run
            self.emit(Warned(f"step {step}: {len(twins)} canaries could not be scored: {error}"))
            return []

    def pretraining(self, step: int) -> Sequences | None:
        """Text that is imitated beside the loss, where the objective has a weight for it: demonstrations of further tasks."""
        if not isinstance(self.objective, Objective) or not self.objective.pretraining_weight:
            return None
        tasks = self.refills.take(step, self.config.prompts_per_step)
        groups = demonstration_groups(tasks, renderer=self.renderer, rewards=self.rewards, max_tokens=self.config.max_completion_tokens)
        return build_batch(groups).sequences

    def manifest(self) -> Manifest:
        """What the run is made of, for its directory."""
        return Manifest.collect(
            seeds={"run": self.config.seed},
            data_hashes={"train": content_hash(self.train.tasks), "test": content_hash(self.test.tasks)},
            reward_hashes=self.rewards.source_hashes,
            opt_outs=("in_process",) if self.config.scoring.in_process else (),
        )

    def faults(self) -> dict[str, int]:
        """Calls of reward functions that hung or died so far, and completions that this was held against."""
        counters = self.rewards.counters
        return {"reward_timeouts": counters.timeouts, "reward_crashes": counters.crashes, "reward_faults": sum(self.rewards.faults.values())}

    def warnings(self, step: int, metrics: dict[str, float]) -> Iterator[str]:
        """What the user should hear about this step."""
        limit = self.config.learner.max_sampler_mismatch
        if not metrics.get("sampler_mismatch", 0.0) <= limit:
            yield (
                f"step {step}: sampler and trainer differ by {metrics['sampler_mismatch']:.3g} nats a token on average (limit {limit:g}); "
                "compute in float32 to see whether it is rounding"
            )
        faults = metrics["reward_timeouts"] + metrics["reward_crashes"]
        if faults:
            yield f"step {step}: {faults:.0f} calls of reward functions hung or crashed, were killed and tried again; the rollouts' reasons say which"
        has_variance = metrics["unanimous_fraction"] < 1
        self._num_steps_without_variance = 0 if has_variance else self._num_steps_without_variance + 1
        if self._num_steps_without_variance in (1, 10) and compares_rollouts(self.objective):
            yield _no_variance(step, metrics["reward_mean"])


def _no_variance(step: int, reward: float) -> str:
    return (
        f"step {step}: no group had variance: all rollouts of each task earned the same (mean reward {reward:.3g}), so nothing was learned from its rewards. "
        "If the reward is always low, the task is too hard for this model: make it easier, relax the format, or teach the format first; "
        "if it is always high, the task is solved; a larger group_size finds rarer successes"
    )


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
    fitted = [fitting(source, renderer, policy, config) for source in sources]
    sources, dropped = [source for source, _ in fitted], sum(num for _, num in fitted)
    train = joined(sources)
    test, dropped_test = fitting(test, renderer, policy, config)
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
        plan=_rollout_plan(config, objective),
        emit=emit,
        notes=(*_notes(config, policy, engine, renderer, learner, train, test, dropped + dropped_test), *repeating(config, sources, weights)),
        watch=Watch(config.audit, config.seed, tripwires_for(config.audit, objective)),
    )


def _sampler(config: RunConfig, learner: Learner, engine: LocalEngine) -> LocalEngine:
    """What writes training rollouts: the engine of evaluations, unless a snapshot writes them, or the weights are read in another precision."""
    if not learner.snapshot and config.engine.precision == "same":
        return engine
    return LocalEngine(learner.behavior, max_rows=config.engine.max_rows, is_deterministic=config.deterministic, precision=config.engine.precision)


def _rollout_plan(config: RunConfig, objective: AnyObjective) -> RolloutPlan:
    plan = RolloutPlan(config.group_size, config.sampling, config.seed, budgets=config.thinking.budgets)
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
        f"held out: {test.describe()}",
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
    if shared := num_shared_prompts(train.tasks, test.tasks):
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


def open_rewards(parts: Sequence[RewardConfig | RewardPart], scoring: ScoringConfig) -> Rewards:
    """The reward that a configuration names, or that a caller hands over, in its workers.

    Raises:
        ConfigError: there is none, a name is unknown, or a function cannot be sent to a worker.
    """
    if not parts:
        raise ConfigError('the configuration names no reward. Add for example --set rewards=number, or [[rewards]] with function = "math" to the file')
    scorers = [_scorer(part) for part in parts if isinstance(part, RewardConfig) and part.function == REWARD_MODEL]
    loaded = [part if isinstance(part, RewardPart) else _load_reward(part) for part in parts if getattr(part, "function", None) != REWARD_MODEL]
    limits = Limits(memory_bytes=scoring.max_memory_bytes)
    return Rewards(loaded, num_workers=scoring.num_workers, timeout_s=scoring.timeout_s, in_process=scoring.in_process, limits=limits, scorers=scorers)


def _scorer(entry: RewardConfig) -> ScorerPart:
    try:
        scorer = RewardModelScorer(**entry.arguments)
    except TypeError:
        raise ConfigError(f'the reward {REWARD_MODEL!r} needs arguments = {{path = "runs/..."}}: the run that trained it') from None
    return ScorerPart(entry.name or REWARD_MODEL, scorer, entry.weight)


def _load_reward(entry: RewardConfig) -> RewardPart:
    loaded = load(entry.function, kind="reward", aliases=ALIASES, group=ENTRY_POINT_GROUP)
    return as_part(_instance(loaded, entry), name=entry.name or entry.function.rpartition(":")[2], weight=entry.weight)


def _instance(loaded: Any, entry: RewardConfig) -> Any:
    """What an alias or a class makes of the arguments; a function as it is."""
    if entry.function not in ALIASES and not isinstance(loaded, type):
        if entry.arguments:
            raise ConfigError(
                f"the reward {entry.function!r} is a function, so it takes no arguments from the configuration; given: {', '.join(entry.arguments)}"
            )
        return loaded
    try:
        return loaded(**entry.arguments)
    except TypeError as error:
        raise ConfigError(f"arguments of the reward {entry.function!r}: {error}") from error


def settle(config: RunConfig) -> RunConfig:
    """Fill in what deterministic mode decides: the processor and fp32.

    Raises:
        ConfigError: the configuration asks for something else.
    """
    if not config.deterministic:
        return config
    if config.device not in (None, "cpu") or config.compute_dtype == "bfloat16":
        raise ConfigError(
            f"deterministic runs compute in float32 on the cpu, not with device={config.device!r} and compute_dtype={config.compute_dtype!r}; leave both out"
        )
    return replace(config, device="cpu", compute_dtype="float32")


@contextmanager
def deterministic_kernels(is_on: bool) -> Iterator[None]:
    """Have torch use kernels that give the same bits twice, and refuse those that cannot."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(is_on or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def resolved(config: RunConfig, recipe: str) -> dict[str, Any]:
    """The configuration as the run directory keeps it, with the recipe's name."""
    return {"recipe": recipe, **to_mapping(config)}
