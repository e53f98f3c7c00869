"""TRL's GRPO steps on the work of `proctor bench step`: prompts x group size completions of exactly so many tokens.

usage: trl_step.py MODEL_DIR JSONL [--dtype float32|bfloat16] [--autocast] [--continuous-batching] [--micro-batch 16] [--steps 3] ...

Runs in an environment with `trl`; prints one JSON object a step, the first of which is the warm-up.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from pace import Pace


def main() -> None:
    options = _options()
    pace = Pace(is_paced=options.paced)
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    class Clock(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            pace.wait()
            self.began, self.cpu_began = time.perf_counter(), time.process_time()

        def on_step_end(self, *args, **kwargs):
            seconds, cpu_seconds = time.perf_counter() - self.began, time.process_time() - self.cpu_began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps({"peer": "trl", "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak}), flush=True)

    def reward(completions, answer, **kwargs):
        return [float(a in c[0]["content"]) + 0.01 * (len(c[0]["content"]) % 7) for c, a in zip(completions, answer, strict=True)]

    rows = [json.loads(line) for line in Path(options.data).read_text().splitlines()][:64]
    tasks = [{"prompt": [{"role": "user", "content": row["question"]}], "answer": row["answer"].split("#### ")[-1]} for row in rows]
    num_rollouts = options.prompts * options.group_size
    batching = {"use_transformers_continuous_batching": True} if options.continuous_batching else {}
    with tempfile.TemporaryDirectory() as scratch:
        config = GRPOConfig(
            output_dir=scratch,
            per_device_train_batch_size=options.micro_batch,
            gradient_accumulation_steps=num_rollouts // options.micro_batch,
            num_generations=options.group_size,
            max_completion_length=options.new_tokens,
            max_steps=options.steps + 1,
            logging_steps=1,
            report_to=[],
            bf16=options.autocast,
            use_cpu=True,
            learning_rate=1e-6,
            beta=0.0,
            save_strategy="no",
            gradient_checkpointing=False,
            model_init_kwargs={"dtype": options.dtype},
            generation_kwargs={"min_new_tokens": options.new_tokens},
            **batching,
        )
        GRPOTrainer(model=options.model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(tasks), callbacks=[Clock()]).train()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--autocast", action="store_true")
    parser.add_argument("--continuous-batching", action="store_true")
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--paced", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
