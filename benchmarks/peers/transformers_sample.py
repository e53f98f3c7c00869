"""`transformers` generate on the work of `proctor bench sample`; prints one JSON object a pass, the first of which is the warm-up.

usage: transformers_sample.py MODEL_DIR JSONL [--batch 32] [--prompts 8] [--group-size 8] [--new-tokens 64] [--steps 3]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from pace import Pace
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    options = _options()
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=options.dtype).eval()
    rows = [json.loads(line) for line in Path(options.data).read_text().splitlines()]
    pace = Pace(is_paced=options.paced)
    for step in range(options.steps + 1):
        asked = rows[step * options.prompts : (step + 1) * options.prompts]
        texts = [tokenizer.apply_chat_template([{"role": "user", "content": row["question"]}], add_generation_prompt=True, tokenize=False) for row in asked]
        texts = [text for text in texts for _ in range(options.group_size)]
        pace.wait()
        began, cpu_began = time.perf_counter(), time.process_time()
        for start in range(0, len(texts), options.batch):
            inputs = tokenizer(texts[start : start + options.batch], return_tensors="pt", padding=True, add_special_tokens=False)
            with torch.inference_mode():
                model.generate(**inputs, do_sample=True, top_k=0, max_new_tokens=options.new_tokens, min_new_tokens=options.new_tokens)
        seconds = time.perf_counter() - began
        cpu_seconds = time.process_time() - cpu_began
        print(
            json.dumps({"peer": "transformers", "seconds": seconds, "cpu_seconds": cpu_seconds, "tokens_per_s": len(texts) * options.new_tokens / seconds}),
            flush=True,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--paced", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
