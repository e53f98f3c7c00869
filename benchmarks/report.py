"""Run the comparisons whose peers are at hand, and write docs/results/benchmarks.json.

    python benchmarks/report.py --data train.jsonl --model MODEL_DIR [--trl PYTHON] [--vllm PYTHON --vllm-shim DIR] [--passes 5]

How the peers' environments are made: benchmarks/peers/README.md. A comparison that is not asked for keeps the figures it has.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compare import compare

OUT = Path(__file__).parents[1] / "docs" / "results" / "benchmarks.json"
PEERS = Path(__file__).parent / "peers"


def main() -> None:
    options = _options()
    work, many = [str(options.model), str(options.data)], ["--steps", str(options.passes + 2)]
    ours = [sys.executable, "-m", "proctor.cli.main", "bench"]
    if options.trl:
        peer = [options.trl, str(PEERS / "trl_step.py"), *work, "--dtype", "bfloat16", *many]
        step = [*ours, "step", "--data", str(options.data), "--micro-batch-tokens", str(options.micro_batch_tokens)]
        _keep("step against TRL", _compared([step, peer], options.passes))
    sample = [*ours, "sample", "--data", str(options.data)]
    generate = [[sys.executable, str(PEERS / "transformers_sample.py"), *work, "--dtype", dtype, "--batch", "64", *many] for dtype in ("bfloat16", "float32")]
    _keep("sampling against transformers", _compared([sample, *generate], options.passes))
    if options.vllm:
        peer = [options.vllm, str(PEERS / "vllm_sample.py"), *work, *many]
        settings = {"PYTHONPATH": str(options.vllm_shim), "VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_CPU_OMP_THREADS_BIND": "auto", "HF_HUB_OFFLINE": "1"}
        _keep("sampling against vLLM", _compared([sample, peer], options.passes, [{}, settings]))


def _keep(name: str, result: dict[str, Any]) -> None:
    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    OUT.write_text(json.dumps({**found, name: result}, indent=2) + "\n")


def _compared(commands: Sequence[Sequence[str]], passes: int, environments: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    result = compare(commands, num_passes=passes, environments=environments)
    for entry in result["commands"]:  # what a reader can repeat, not where it lay here
        entry["command"] = " ".join(Path(word).name if "/" in word else word for word in entry["command"].split())
    return {"machine": _machine(), **result}


def _machine() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    flags = Path("/proc/cpuinfo").read_text()
    bf16 = next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags), "no bf16")
    return f"{names[0] if names else platform.processor()} ({bf16}), {len(names)} cores, torch {version('torch')}, transformers {version('transformers')}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--trl", help="the interpreter of an environment with TRL")
    parser.add_argument("--vllm", help="the interpreter of an environment with vLLM")
    parser.add_argument("--vllm-shim", type=Path, default=Path("shim"))
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--micro-batch-tokens", type=int, default=1400)
    return parser.parse_args()


if __name__ == "__main__":
    main()
