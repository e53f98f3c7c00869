"""Credit and objectives: what a group's rewards become, and which losses learn from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from proctor.lab.experiments.records import Experiment, Greater, Similar, Values
from proctor.lab.experiments.rollouts import read_groups
from proctor.lab.experiments.settings import accuracy, arm, pretrained
from proctor.recipes import scratchpad

BASE = pretrained("plain")

OUTCOME_AND_PROCESS = Experiment(
    name="outcome_and_process",
    title="Does learning from wrong answers, and from steps, help?",
    paper="DeepSeekMath (2402.03300), figure 5: RFT < online RFT < GRPO with outcome supervision <= GRPO with process supervision.",
    hypothesis="The same order. RFT imitates an old policy; online RFT has no negative gradient; process supervision credits single equations.",
    base=BASE,
    arms=(
        arm("rft", "rft"),
        arm("online_rft", "online_rft"),
        arm("grpo", "grpo", objective={"beta": 0.0}),
        arm("grpo_process", "grpo_process", objective={"beta": 0.0}),
    ),
    claims=(Greater("held_out", "online_rft", "rft"), Greater("held_out", "grpo", "online_rft"), Greater("held_out", "grpo_process", "grpo")),
    probes=(accuracy(),),
    remark="RFT's rollouts are written by the base to the end, so its curve stays where the base is; what it learned is the held-out accuracy in the table.",
)

_WIDE = {"beta": 0.0, "clip_low": 1 - 1e-6, "clip_high": 1e6}  # no ratio gets there
_EIGHT_UPDATES = {"num_minibatches": 4, "num_epochs": 2}

CLIPPING = Experiment(
    name="clipping",
    title="Does the clip do anything?",
    paper="Lecture p.18 and p.20: with one update a batch the ratio is 1 and GRPO is a policy gradient with group-normalised rewards; the clip is inert.",
    hypothesis="Identical to the last bit with one update a batch; a difference only with eight updates, where some ratios leave the range.",
    base=BASE,
    arms=(  # the same batches give the same bits on one machine; in deterministic mode, which decodes prompt by prompt, two of four seeds took 15
        arm("one update, clipped", "grpo", objective={"beta": 0.0}),
        arm("one update, unclipped", "grpo", objective=_WIDE),
        arm("eight updates, clipped", "grpo", objective={"beta": 0.0}, learner=_EIGHT_UPDATES),
        arm("eight updates, unclipped", "grpo", objective=_WIDE, learner=_EIGHT_UPDATES),
    ),
    claims=(
        Similar("reward_mean_all", "one update, clipped", "one update, unclipped", 1e-12),
        Greater("clip_high_fraction_all", "eight updates, clipped", "one update, clipped"),
        Similar("held_out", "eight updates, clipped", "eight updates, unclipped", 0.05),
    ),
    probes=(accuracy(),),
)


def _mass(weight: Callable[[float], float]) -> Callable[[Path], Values]:
    """How far the mean absolute advantage of a group lies from a function of its success rate, at the most."""

    def measure(run: Path) -> Values:
        found = [(sum(map(abs, group.advantages)) / len(group.advantages), sum(group.rewards) / len(group.rewards)) for group in read_groups(run)]
        return {"mass_error": max(abs(mass - weight(rate)) for mass, rate in found), "num_groups": float(len(found))}

    return measure


def _masses(run: Path) -> Values:
    centred, standardised = _mass(lambda p: 2 * p * (1 - p))(run), _mass(lambda p: 2 * math.sqrt(p * (1 - p)))(run)
    return {"error_centred": centred["mass_error"], "error_standardised": standardised["mass_error"]}


GROUP_WEIGHT = Experiment(
    name="group_weight",
    title="How much does a group weigh, by its success rate?",
    paper="Dr. GRPO (2503.20783) and lecture p.24: dividing by the standard deviation weighs a group by sqrt(p (1 - p)) instead of p (1 - p).",
    hypothesis="Exact, up to the epsilon in the denominator: it is algebra, shown on the rollouts of real runs. (Population standard deviation.)",
    base=BASE,
    arms=(arm("grpo", "grpo", objective={"beta": 0.0, "ddof": 0}), arm("dr_grpo", "dr_grpo")),
    claims=(
        Greater("error_centred", "grpo", "dr_grpo"),
        Greater("error_standardised", "dr_grpo", "grpo"),
        Similar("held_out", "grpo", "dr_grpo", 0.05),
    ),
    probes=(accuracy(),),
    measure=_masses,
)

_UNCLIPPED = {"max_grad_norm": 1e9}

MIRROR_DESCENT = Experiment(
    name="mirror_descent",
    title="Is Kimi's objective Dr. GRPO, on-policy and off-policy?",
    paper="Kimi k1.5 (2501.12599), eq. 3; lecture p.42: GRPO without the standard deviation and with a squared regulariser.",
    hypothesis="As good as Dr. GRPO with one update (the gradients are parallel there). With eight updates the regulariser takes the clip's place. Kimi's "
    "reset of the optimizer is left out, so that the objectives alone differ, and no gradient is clipped: Kimi's loss sums over tokens, Dr. GRPO's is "
    "divided by their limit, which Adam does not see and a clip does.",
    base=BASE,
    arms=(
        arm("dr_grpo", "dr_grpo", learner=_UNCLIPPED),
        arm("kimi", "kimi_k15", objective={"resets_optimizer": False}, learner=_UNCLIPPED),
        arm("dr_grpo, eight updates", "dr_grpo", learner={**_UNCLIPPED, **_EIGHT_UPDATES}),
        arm("kimi, eight updates", "kimi_k15", objective={"resets_optimizer": False}, learner={**_UNCLIPPED, **_EIGHT_UPDATES}),
    ),
    claims=(
        Similar("held_out", "kimi", "dr_grpo", 0.05),
        Similar("held_out", "kimi, eight updates", "dr_grpo, eight updates", 0.05),
        Greater("held_out", "dr_grpo, eight updates", "dr_grpo"),
    ),
    probes=(accuracy(),),
)

NEGATIVE_GRADIENTS = Experiment(
    name="negative_gradients",
    title="Is learning from failures more sample-efficient than expert iteration?",
    paper="Kimi k1.5, figure 10, and lecture p.48: RL with negative gradients is more sample-efficient than ReST.",
    hypothesis="Yes, by the area under the curve: most rollouts of the base are wrong, and expert iteration throws them away.",
    base=BASE,
    arms=(arm("rest_em", "rest_em"), arm("raft", "raft", objective={"threshold": 1.0}), arm("dr_grpo", "dr_grpo")),
    claims=(Greater("reward_mean_all", "dr_grpo", "rest_em"), Greater("reward_mean_all", "dr_grpo", "raft"), Greater("held_out", "dr_grpo", "rest_em")),
    probes=(accuracy(),),
    remark="ReST-EM's curve is that of its samplers, copies that are up to ten steps old, and its last model has had ten updates since it began anew from the "
    "base, Dr. GRPO's thirty: as many samples, not as many updates.",
)

FEW_TASKS = Experiment(
    name="few_tasks",
    title="How many different tasks does reinforcement learning need?",
    paper="Qwen3 (2505.09388), section 4.2, and lecture p.51: 3,995 query-verifier pairs suffice.",
    hypothesis="A plateau: 256 tasks do as well as 4,000 on held-out ones, 16 do worse.",
    base=BASE,
    arms=tuple(arm(f"{number} tasks", "grpo", objective={"beta": 0.0}, data=scratchpad.additions("plain", max_tasks=number)) for number in (16, 256, 4000)),
    claims=(Similar("held_out", "4000 tasks", "256 tasks", 0.05), Greater("held_out", "256 tasks", "16 tasks")),
    probes=(accuracy(),),
    remark="Thirty steps of 64 tasks meet 1,920 of the 4,000. The base has imitated all of them before.",
)

MAJORITY_AND_PASS = Experiment(
    name="majority_and_pass",
    title="Does reinforcement learning raise what a model can do, or how often it does it?",
    paper="DeepSeekMath (2402.03300), section 5.2.2, figure 7: RL raises Maj@K but not Pass@K.",
    hypothesis="pass@1 and maj@8 rise; pass@8 moves little, since the base already solves most tasks in eight tries.",
    base=BASE,
    arms=(
        arm("base", "grpo", objective={"beta": 0.0}, num_steps=1, learning_rate=1e-12),
        arm("grpo", "grpo", objective={"beta": 0.0}),
    ),
    claims=(
        Greater("held_out", "grpo", "base"),
        Greater("held_out/maj@8", "grpo", "base"),
        Similar("held_out/pass@8", "grpo", "base", 0.05),
    ),
    probes=(accuracy(num_samples=8, ks=(8,)),),
    curve="",
)

EXPERIMENTS = (OUTCOME_AND_PROCESS, CLIPPING, GROUP_WEIGHT, MIRROR_DESCENT, NEGATIVE_GRADIENTS, FEW_TASKS, MAJORITY_AND_PASS)
