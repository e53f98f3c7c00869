"""How hard a reward can be optimised, and by what: reward models against exact rewards, learners side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proctor.config import RewardConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar, Values
from proctor.lab.experiments.rollouts import stage_means
from proctor.lab.experiments.settings import accuracy, arm, pretrained, reinforce
from proctor.recipes import scratchpad
from proctor.training.run_directory import RunDirectory
from proctor.training.stages.records import Stage, Train

BASE = pretrained("plain")
_STEPS_OF_RERANKING = 80
_NUM_STEPS, _WINDOW = 60, 10
"""Steps of an arm, as many as three arms can have in twenty minutes; and steps that a point of the course is the mean of."""


def _against(name: str, *, num_label_steps: int, learns_from_proxy: bool) -> Arm:
    """Reinforcement by a reward model of so many steps of labels, or by the exact reward with the model looking on.

    A step of labels is 64 groups of 8, each seen once: fewer labels are fewer updates as well.
    """

    def stages(base: str) -> tuple[Stage, ...]:
        labelled = reinforce(base, "reward_model", num_steps=num_label_steps, learner={"num_warmup_steps": 0})
        proxy = RewardConfig("reward_model", weight=float(learns_from_proxy), name="proxy", arguments={"path": "stage:proxy"})
        exact = RewardConfig("equations", weight=float(not learns_from_proxy), name="accuracy")
        return (
            Train("proxy", labelled.config),
            reinforce(base, "grpo", objective={"beta": 0.0}, rewards=(proxy, exact), num_steps=_NUM_STEPS),
        )

    return Arm(name, stages)


def _course(run: Path) -> Values:
    """How far the true reward turned over: the smaller of its rise to its highest ten steps and its fall from there to the last.

    A curve that only rises or only falls does not turn over. Beside it, both gains from the first ten steps to the last.
    """
    rows = [row for row in RunDirectory.inspect(run).metrics() if row["stage"] == "rl"]

    def means(name: str) -> list[float]:
        values = [float(row[name]) for row in rows]
        return [sum(values[begin : begin + _WINDOW]) / _WINDOW for begin in range(len(values) - _WINDOW + 1)]

    truth, proxy = means("reward/accuracy"), means("reward/proxy")
    peak = max(truth)
    return {
        "turnover": min(peak - truth[0], peak - truth[-1]),
        "true_gain": truth[-1] - truth[0],
        "proxy_gain": proxy[-1] - proxy[0],
        "nothing": 0.0,
    }


OVEROPTIMIZATION = Experiment(
    name="overoptimization",
    title="Does the true reward turn over when a learned one is optimised?",
    paper="Gao et al. 2022 (2210.10760), figure 1, and lecture p.3: the proxy rises, the gold reward rises and falls; with exact rewards it does not.",
    hypothesis="With a model of few comparisons the truth rises and falls while the proxy rises; with many it turns over later or less; with the exact "
    "reward only as much as noise makes any curve turn.",
    base=BASE,
    arms=(
        _against("few labels", num_label_steps=3, learns_from_proxy=True),
        _against("many labels", num_label_steps=30, learns_from_proxy=True),
        _against("exact reward", num_label_steps=3, learns_from_proxy=False),
    ),
    claims=(
        Greater("proxy_gain", "few labels", "few labels", other_metric="nothing"),
        Greater("turnover", "few labels", "exact reward"),
        Greater("turnover", "few labels", "many labels"),
        Greater("held_out", "exact reward", "many labels"),
        Greater("held_out", "many labels", "few labels"),
    ),
    probes=(accuracy(),),
    curve="reward/accuracy",
    measure=_course,
    remark="Against either learned reward the truth does not rise and then fall: it falls from the first steps on, to nearly nothing, while what is paid "
    "rises. Where nothing rises nothing turns, so the turnover says nothing of it; the difference to the exact reward does.",
)


def _imitated(base: str) -> tuple[Stage, ...]:
    return (scratchpad.imitation("sft", base, scratchpad.additions("plain"), num_steps=60),)


SIDE_BY_SIDE = Experiment(
    name="side_by_side",
    title="PPO, GRPO, iterated DPO, expert iteration, imitation, a vote of eight: which learns most?",
    paper="AlpacaFarm (2305.14387), table 2, and lecture p.10: PPO 46.8, best-of-1024 45.0, expert iteration 41.9, SFT 36.7 (win rates).",
    hypothesis="Imitation of true demonstrations first, since it is told every step; PPO and GRPO alike; expert iteration behind (it begins anew from the "
    "base every ten steps, so its model has had ten updates, the others thirty, all of as many samples); a vote of eight on the base does more than "
    "thirty steps of RL do for one sample.",
    base=BASE,
    arms=(
        arm("base", "grpo", objective={"beta": 0.0}, num_steps=1, learning_rate=1e-12),
        Arm("sft", _imitated),
        arm("expert iteration", "rest_em"),
        arm("iterated dpo", "dpo"),
        arm("ppo", "ppo", objective={"critic_learning_rate": 1e-3}),
        arm("grpo", "grpo", objective={"beta": 0.0}),
    ),
    claims=(
        Greater("held_out", "sft", "grpo"),
        Similar("held_out", "ppo", "grpo", 0.05),
        Greater("held_out", "ppo", "expert iteration"),
        Greater("held_out", "iterated dpo", "expert iteration"),
        Greater("held_out/maj@8", "base", "ppo", other_metric="held_out"),
    ),
    probes=(accuracy(num_samples=8, ks=(8,)),),
    curve="",
)


def _chosen(base: str) -> tuple[Stage, ...]:
    """A reward model of the base's own completions; the base again, which it now chooses for; and reinforcement by it."""
    labelled = reinforce(base, "reward_model", num_steps=10)
    proxy = (RewardConfig("reward_model", name="proxy", arguments={"path": "stage:proxy"}),)
    return (
        Train("proxy", labelled.config),
        replace(reinforce(base, "grpo", objective={"beta": 0.0}, num_steps=1, learning_rate=1e-12), name="same"),
        reinforce(base, "grpo", objective={"beta": 0.0}, rewards=proxy, num_steps=_STEPS_OF_RERANKING),
    )


RERANKING = Experiment(
    name="reranking",
    title="Is a learned reward better at choosing than at paying?",
    paper="DeepSeek-R1 (2501.12948), section 4.2: a reward model (of steps, there; of whole answers here) is good at reranking, and hacked in "
    "large-scale reinforcement learning.",
    hypothesis="Choosing among eight, it beats one sample and is beaten by a vote, which needs no model. Optimised for 80 steps it gives less than the "
    "same steps would by the exact reward, and its own choice among eight no longer helps.",
    base=BASE,
    arms=(Arm("chosen and paid", _chosen),),
    claims=(
        Greater("same/held_out/best@8", "chosen and paid", "chosen and paid", other_metric="same/held_out"),
        Greater("same/held_out/maj@8", "chosen and paid", "chosen and paid", other_metric="same/held_out/best@8"),
        Greater("same/held_out/best@8", "chosen and paid", "chosen and paid", other_metric="rl/held_out"),
        Greater("rl/held_out/best@8", "chosen and paid", "chosen and paid", other_metric="rl/held_out"),
    ),
    probes=(accuracy(num_samples=8, ks=(8,), reward_model="stage:proxy"),),
    curve="",
    measure=stage_means,
)

EXPERIMENTS = (OVEROPTIMIZATION, SIDE_BY_SIDE, RERANKING)
