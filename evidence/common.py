"""What the evidence scripts share: run a command of Proctor, read what it wrote, draw curves."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
INK = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # readable by the colour-blind (Okabe and Ito)


def train(recipe: str, out: Path, *assignments: str, scale: str | None = None) -> Path:
    """Run `proctor train` to its end in `out`, continuing what is there."""
    settings = [part for assignment in assignments for part in ("--set", assignment)]
    size = ["--scale", scale] if scale else []
    subprocess.run([sys.executable, "-m", "proctor.cli.main", "train", recipe, "--out", str(out), "--resume", *size, *settings], check=True)
    return out


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def machine(run: Path) -> str:
    """Processor, cores and versions of a run, in one line."""
    manifest = json.loads((run / "manifest.json").read_text())
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    versions = manifest["versions"]
    return f"{models[0] if models else platform.processor()}, {manifest['num_cpus']} cores, torch {versions['torch']}, transformers {versions['transformers']}"


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Mean over the last `window` values; over fewer at the beginning."""
    return [sum(values[max(0, end - window) : end]) / min(end, window) for end in range(1, len(values) + 1)]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def curve_figure(path: Path, curves: Mapping[str, Sequence[float]], *, title: str, ylabel: str, fades_first: bool = False) -> None:
    """Draw curves over steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=130)
    for number, (name, values) in enumerate(curves.items()):
        is_faded = fades_first and number == 0
        axes.plot(range(1, len(values) + 1), values, color=INK[number], label=name, alpha=0.35 if is_faded else 1, linewidth=1 if is_faded else 2)
    axes.set(title=title, xlabel="step", ylabel=ylabel, ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


__all__ = ["DOCS", "curve_figure", "machine", "read_metrics", "smooth", "train", "write_json"]
