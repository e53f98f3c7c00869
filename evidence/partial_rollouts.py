"""Partial rollouts against waiting for the longest: rollouts a second with heavy-tailed lengths, and the reward that is reached.

    python evidence/partial_rollouts.py [--rounds 12] [--seeds 0 1 2] [--steps 60] [--root runs/evidence] [--throughput-only [--model smollm2-135m]]

Throughput: the engine decodes for real, but a rollout's length is drawn by its seed from a Pareto distribution (index 1.2, at least 12
tokens, at most 400), the same in all arms: in parts; to the end, finished rows leaving the batch; and in a padded batch, where every row
is decoded until the longest ends, as engines without that do. Beside seconds stand the process's own CPU seconds, since other work may share the machine,
and the number of decoding steps one after another, which is what a GPU waits for. Reward: the pocket policy's quickstart.
Interrupted runs go on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import DOCS, machine, train, write_json

from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Message
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.models.load import load_policy
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.rollouts.drafts import Draft, write

INDEX, SHORTEST, LONGEST = 1.2, 12, 400
NUM_TASKS, GROUP_SIZE, PARTIAL_TOKENS = 8, 8, 48
REWARD_PARTIAL_TOKENS = 12  # of the pocket policy's run, whose completions have some 20
WARM_UP = 9  # rounds until as many groups leave as enter: the longest rollout takes 400 / 48 of them


def length(seed: int) -> int:
    """Tokens of a rollout: heavy-tailed, a function of its seed."""
    uniform = (rollout_seed("length", seed) + 1) / 2**64
    return min(LONGEST, round(SHORTEST * uniform ** (-1 / INDEX)))


@dataclass(slots=True)
class Tailed:
    """The local engine, with completions that end at their drawn lengths.

    Attributes:
        engine: decodes for real.
        is_padded: whether every row of a call is decoded as long as its longest.
        num_steps: decoding steps one after another so far: of each call, those of its longest completion.
    """

    engine: LocalEngine
    is_padded: bool = False
    policy_version: int = 0
    num_steps: int = 0

    async def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> list[list[Completion]]:
        bounded = [self._bounded(request, sampling) for request in requests]
        longest = max(limit for request in bounded for limit in request.limits)
        self.num_steps += longest
        if self.is_padded:
            bounded = [replace(request, limits=(longest,) * len(request.seeds)) for request in bounded]
        found = await self.engine.sample(bounded, sampling)
        return [
            [self._ended(completion, seed, len(request.written_ids)) for completion, seed in zip(group, request.seeds, strict=True)]
            for request, group in zip(bounded, found, strict=True)
        ]

    def _bounded(self, request: SampleRequest, sampling: Sampling) -> SampleRequest:
        asked = request.limits or (sampling.max_completion_tokens,) * len(request.seeds)
        limits = tuple(min(limit, length(seed) - len(request.written_ids)) for limit, seed in zip(asked, request.seeds, strict=True))
        return replace(request, limits=limits)

    def _ended(self, completion: Completion, seed: int, num_written: int) -> Completion:
        is_over = num_written + len(completion.token_ids) >= length(seed)
        return replace(completion, finish_reason=FinishReason.EOS if is_over else FinishReason.LENGTH)


def throughput(model: str, *, num_rounds: int, partial_tokens: int | None, is_padded: bool = False) -> dict[str, float]:
    """Finished rollouts over CPU seconds and over decoding steps, in the steady state."""
    policy = load_policy(model, device="cpu")
    engine = Tailed(LocalEngine(policy, ends_at_eos=False), is_padded)
    renderer, sampling = Renderer(policy.tokenizer), Sampling(1.0, LONGEST)
    open_groups: list[list[Draft]] = []
    warm_up = 0 if partial_tokens is None else WARM_UP
    num_done, began, began_cpu, steps_before = 0, 0.0, 0.0, 0
    for number in range(warm_up + num_rounds):
        if number == warm_up:
            num_done, began, began_cpu, steps_before = 0, time.perf_counter(), time.process_time(), engine.num_steps
        for task in range(NUM_TASKS):
            prompt = renderer.prompt_ids([Message("user", f"{10 + task}+{20 + number % 70}=")])
            open_groups.append([Draft(prompt, rollout_seed("evidence", number, task, index)) for index in range(GROUP_SIZE)])
        flat = [draft for group in open_groups for draft in group]
        rest = iter(asyncio.run(write(flat, sampler=engine, sampling=sampling, renderer=renderer, max_new_tokens=partial_tokens)))
        open_groups = [[next(rest) for _ in group] for group in open_groups]
        num_done += sum(len(group) for group in open_groups if all(draft.is_finished for draft in group))
        open_groups = [group for group in open_groups if not all(draft.is_finished for draft in group)]
    wall, seconds, steps = time.perf_counter() - began, time.process_time() - began_cpu, engine.num_steps - steps_before
    return {
        "rollouts": num_done,
        "seconds": wall,
        "cpu_seconds": seconds,
        "rollouts_per_s": num_done / wall,
        "rollouts_per_cpu_s": num_done / seconds,
        "decoding_steps": steps,
        "rollouts_per_step": num_done / steps,
    }


def reward(root: Path, seed: int, steps: int, partial_tokens: int) -> dict[str, Any]:
    """The held-out evaluation after a run of the pocket policy's quickstart."""
    name = f"partial-{seed}" if partial_tokens else f"whole-{seed}"
    settings = (f"seed={seed}", f"num_steps={steps}", f"rollout.partial_tokens={partial_tokens}", "scoring.num_workers=1")
    run = train("quickstart", root / name, *settings, scale="pocket")
    summary = json.loads((run / "summary.json").read_text())
    return {**{key: summary["after"][key] for key in ("mean", "low", "high", "num_tasks")}, "machine": machine(run)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/partial"))
    parser.add_argument("--throughput-only", action="store_true")
    parser.add_argument("--model", default=POCKET_UNTRAINED, help="of the measurement of throughput")
    options = parser.parse_args()
    path = DOCS / "results" / "partial-rollouts.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    whole, partial = (throughput(options.model, num_rounds=options.rounds, partial_tokens=tokens) for tokens in (None, PARTIAL_TOKENS))
    padded = throughput(options.model, num_rounds=max(1, options.rounds // 3), partial_tokens=None, is_padded=True)
    found.setdefault("throughput", {})[options.model] = {
        "command": f"python evidence/partial_rollouts.py --rounds {options.rounds} --throughput-only --model {options.model}",
        "waiting_for_the_longest": whole,
        f"partial_{PARTIAL_TOKENS}_tokens": partial,
        "waiting_in_a_padded_batch": padded,
        "speedup_over_padded": partial["rollouts_per_s"] / padded["rollouts_per_s"],
        "speedup_cpu_over_padded": partial["rollouts_per_cpu_s"] / padded["rollouts_per_cpu_s"],
        "speedup": partial["rollouts_per_s"] / whole["rollouts_per_s"],
        "speedup_cpu": partial["rollouts_per_cpu_s"] / whole["rollouts_per_cpu_s"],
        "speedup_decoding_steps": partial["rollouts_per_step"] / whole["rollouts_per_step"],
    }
    write_json(path, found)
    if not options.throughput_only:
        arms = {
            name: [reward(options.root, seed, options.steps, tokens) for seed in options.seeds]
            for name, tokens in (("whole", 0), (f"partial_{REWARD_PARTIAL_TOKENS}_tokens", REWARD_PARTIAL_TOKENS))
        }
        found["reward"] = {"command": f"python evidence/partial_rollouts.py --steps {options.steps}", "seeds": options.seeds, **arms}
        write_json(path, found)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
