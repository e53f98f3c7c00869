"""What a user may name where a model is wanted: a finished run stands for its final weights."""

from __future__ import annotations

from pathlib import Path

from proctor.errors import ConfigError
from proctor.training.run_directory import RunDirectory, is_run


def model_source(name: str) -> str:
    """What to load: the final weights of a run directory, else the name itself.

    Raises:
        ConfigError: the run has no final weights yet.
    """
    path = Path(name)
    if not is_run(path):
        return name
    run = RunDirectory.inspect(path)
    if not run.model_path.is_dir():
        steps = run.checkpoints()
        checkpoint = f"; its newest checkpoint is {run.checkpoint_path(steps[-1])}" if steps else ""
        raise ConfigError(f"the run {name} is {run.manifest.status} and has no final weights yet{checkpoint}. Finish it with --resume, or name a checkpoint")
    return str(run.model_path)
