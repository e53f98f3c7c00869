"""What the objective's mathematics costs on a million tokens: one GRPO step and one PPO step, on one core.

    python evidence/objective_cost.py            writes docs/results/objective-cost.json and the table in docs/objectives.md

Processor time of one thread, the median of several runs: on a shared machine wall-clock time measures the neighbours. Everything between
logprobs and their gradient is counted; logits, models and data are not.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from common import DOCS, write_json
from torch import Tensor

from proctor.objective import advantages, aggregation, diagnostics, kl, logprobs, surrogates, values

NUM_TOKENS = 1 << 20
GROUP_SIZE = 8
BEGIN, END = "<!-- objective-cost: written by evidence/objective_cost.py -->", "<!-- /objective-cost -->"


class Batch:
    """A million tokens in rollouts of one length; a tenth of them are observations."""

    def __init__(self, tokens_per_rollout: int) -> None:
        generator = torch.Generator().manual_seed(0)
        shape = NUM_TOKENS // tokens_per_rollout, tokens_per_rollout
        self.old = -torch.rand(shape, generator=generator)
        self.new = (self.old + 0.1 * torch.randn(shape, generator=generator)).requires_grad_(True)
        self.reference = self.old + 0.1 * torch.randn(shape, generator=generator)
        self.old_values = torch.randn(shape, generator=generator)
        self.values = (self.old_values + 0.1).requires_grad_(True)
        self.mask = torch.rand(shape, generator=generator) < 0.9
        self.rewards = (torch.rand(shape[0], generator=generator) < 0.5).float()
        self.group_ids = torch.arange(shape[0]) // GROUP_SIZE


def grpo_step(batch: Batch) -> None:
    """Check, group advantages, clipped surrogate, k3, aggregation, gradient, diagnostics."""
    logprobs.check_finite(batch.new, batch.mask)
    credit = advantages.group_standardized(batch.rewards, batch.group_ids, ddof=1, epsilon=1e-4)[:, None].expand(batch.old.shape)
    loss = surrogates.ppo_clip(batch.new, batch.old, credit, clip_low=0.2, clip_high=0.28) + 0.04 * kl.k3(batch.new, batch.reference)
    backward(loss * aggregation.sequence_mean(batch.mask), batch.new)
    report(batch, credit)


def ppo_step(batch: Batch) -> None:
    """Check, KL in the reward, GAE, whitening, clipped surrogate, clipped value loss, aggregation, gradients, diagnostics."""
    logprobs.check_finite(batch.new, batch.mask)
    rewards = advantages.terminal_rewards(batch.rewards, batch.mask) - 0.05 * kl.k1(batch.old, batch.reference)
    credit, returns = advantages.gae(rewards, batch.old_values, batch.mask, gamma=1.0, gae_lambda=0.95)
    credit = advantages.whiten(credit, batch.mask, shift_mean=True)
    weights = aggregation.token_mean(batch.mask)
    backward(surrogates.ppo_clip(batch.new, batch.old, credit, clip_low=0.2, clip_high=0.2) * weights, batch.new)
    backward(values.clipped_value_loss(batch.values, batch.old_values, returns, clip=0.2) * weights, batch.values)
    values.explained_variance(batch.old_values, returns, batch.mask)
    report(batch, credit)


def gae_alone(batch: Batch) -> None:
    """Generalised advantage estimation."""
    advantages.gae(batch.reference, batch.old_values, batch.mask, gamma=1.0, gae_lambda=0.95)


def backward(weighted: Tensor, variable: Tensor) -> None:
    torch.autograd.grad(weighted.sum(), variable)


@torch.no_grad()
def report(batch: Batch, credit: Tensor) -> None:
    log_ratio = batch.new - batch.old
    diagnostics.clip_fractions(log_ratio.exp(), credit, batch.mask, clip_low=0.2, clip_high=0.2)
    diagnostics.approximate_kl(log_ratio, batch.mask)
    diagnostics.effective_sample_size(log_ratio, batch.mask)
    diagnostics.ratio_extremes(log_ratio, batch.mask)


def cpu_seconds(step: Callable[[Batch], None], batch: Batch, num_runs: int) -> list[float]:
    step(batch)  # the first run allocates
    times: list[float] = []
    for _ in range(num_runs):
        start = time.process_time()
        step(batch)
        times.append(time.process_time() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of the objective's mathematics on a million tokens.")
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each step (default 7)")
    num_runs = parser.parse_args().runs
    torch.set_num_threads(1)
    rows: list[dict[str, str | int | float]] = []
    for tokens_per_rollout in (1024, 32_768):
        batch = Batch(tokens_per_rollout)
        for step in (grpo_step, ppo_step, gae_alone):
            times = cpu_seconds(step, batch, num_runs)
            row = {"step": step.__name__, "tokens_per_rollout": tokens_per_rollout, "median_s": statistics.median(times), "max_s": max(times)}
            rows.append({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()})
            print(rows[-1], flush=True)
    machine = f"{platform.processor() or platform.machine()}, one thread, torch {torch.__version__}"
    write_json(DOCS / "results" / "objective-cost.json", {"num_tokens": NUM_TOKENS, "runs": num_runs, "unit": "CPU seconds", "machine": machine, "steps": rows})
    lines = ["| step | tokens a rollout | CPU seconds, median | worst |", "|---|---|---|---|"]
    lines += [f"| `{row['step']}` | {row['tokens_per_rollout']} | {row['median_s']} | {row['max_s']} |" for row in rows]
    page = DOCS / "objectives.md"
    before, _, rest = page.read_text().partition(BEGIN)
    caption = f"{NUM_TOKENS} tokens, {num_runs} runs; {machine}."
    page.write_text("\n".join([before + BEGIN, *lines, "", caption, END]) + rest.partition(END)[2])


if __name__ == "__main__":
    main()
