"""Where the metrics of a step go: always to `metrics.jsonl`, and to TensorBoard, W&B or trackio where the user asks.

Nothing leaves the machine by default: W&B runs offline unless it is told otherwise, trackio writes to the local disk. The
packages behind the sinks are imported when a sink is opened. A sink that fails later is dropped with a warning, because
a dashboard must not end a run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from proctor.config import TrackingConfig
from proctor.errors import ConfigError, boundary
from proctor.training.events import Listener, Warned
from proctor.training.run_directory import RunDirectory

# Spellings of TRL and verl for the same quantity; a name that is equal in both needs no alias. Near ones that measure
# something else are left out: actor/ppo_kl (against the old policy), actor/pg_loss (without the KL term),
# actor/pg_clipfrac (both sides), training/rollout_probs_diff_mean (probabilities, not logprobs).
ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "step": ("training/global_step",),
        "reward_mean": ("reward", "critic/score/mean"),
        "unanimous_fraction": ("frac_reward_zero_std",),
        "completion_tokens_mean": ("completions/mean_length", "response_length/mean"),
        "completion_tokens_max": ("completions/max_length", "response_length/max"),
        "truncated_fraction": ("completions/clipped_ratio", "response_length/clip_ratio"),
        "entropy": ("actor/entropy",),
        "kl": ("actor/kl_loss",),
        "grad_norm": ("actor/grad_norm",),
        "learning_rate": ("actor/lr",),
        "clip_low_fraction": ("clip_ratio/low_mean",),
        "clip_high_fraction": ("clip_ratio/high_mean",),
        "sampler_mismatch": ("sampling/sampling_logp_difference/mean",),
        "sampler_mismatch_max": ("sampling/sampling_logp_difference/max",),
        "tokens_per_s": ("perf/throughput",),
        "seconds": ("step_time", "timing_s/step"),
        "seconds_sampling": ("timing_s/gen",),
        "seconds_scoring": ("timing_s/reward",),
        "seconds_training": ("timing_s/update_actor",),
    }
)


class Sink(Protocol):
    """One dashboard."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of a step, under every spelling."""
        ...

    def close(self) -> None:
        """Write out what is pending."""
        ...


class TensorBoardSink:
    """Event files in `DIR/tensorboard`."""

    def __init__(self, run: RunDirectory, start_step: int) -> None:
        """Open the files; points of `start_step` and later, from before a resume, are hidden.

        Raises:
            ConfigError: TensorBoard is not installed.
        """
        module = _import_extra("torch.utils.tensorboard", extra="tensorboard")
        self._writer = module.SummaryWriter(log_dir=str(run.path / "tensorboard"), purge_step=start_step)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, global_step=step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WandbSink:
    """Weights & Biases, offline in `DIR/wandb` by default."""

    def __init__(self, run: RunDirectory, settings: TrackingConfig) -> None:
        """Begin or continue the W&B run of this run directory.

        Raises:
            ConfigError: wandb is not installed.
        """
        wandb = _import_extra("wandb", extra="wandb")
        self._run = wandb.init(
            project=settings.project,
            name=run.path.name,
            id=_remote_id(run),
            resume="allow",
            dir=str(run.path),
            mode=settings.wandb_mode,
            config=run.config,
        )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        self._run.finish()


class TrackioSink:
    """The trackio dashboard on this machine."""

    def __init__(self, run: RunDirectory, settings: TrackingConfig) -> None:
        """Begin or continue the trackio run of this run directory.

        Raises:
            ConfigError: trackio is not installed.
        """
        trackio = _import_extra("trackio", extra="trackio")
        self._run = trackio.init(project=settings.project, name=_remote_id(run), resume="allow", config=run.config, embed=False)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        self._run.finish()


def open_sinks(settings: TrackingConfig, run: RunDirectory, *, start_step: int) -> list[Sink]:
    """Open the sinks that the user asked for.

    Args:
        settings: which.
        run: whose metrics they show.
        start_step: the first step that this process does.

    Raises:
        ConfigError: the package of one is not installed, or it cannot be opened.
    """
    sinks: list[Sink] = []
    if settings.tensorboard:
        with boundary(ConfigError, "open the TensorBoard files"):
            sinks.append(TensorBoardSink(run, start_step))
    if settings.wandb:
        with boundary(ConfigError, f"begin a W&B run ({settings.wandb_mode})"):
            sinks.append(WandbSink(run, settings))
    if settings.trackio:
        with boundary(ConfigError, "begin a trackio run"):
            sinks.append(TrackioSink(run, settings))
    return sinks


def check_sinks(settings: TrackingConfig) -> None:
    """See that the packages of the sinks that the user asked for are there, before anything is written.

    Raises:
        ConfigError: one is not.
    """
    for extra, is_wanted in (("tensorboard", settings.tensorboard), ("wandb", settings.wandb), ("trackio", settings.trackio)):
        if is_wanted:
            _import_extra(extra, extra=extra)


class Tracker:
    """Writes the metrics of every step."""

    def __init__(self, run: RunDirectory, sinks: list[Sink], listener: Listener) -> None:
        """Write into `run` and to `sinks`; tell `listener` when one of them fails."""
        self._run = run
        self._sinks = sinks
        self._listener = listener

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one step: to metrics.jsonl under the canonical names, to the sinks under every spelling.

        Args:
            step: counted from 0.
            metrics: by canonical name, without `step`.

        Raises:
            LearnerError: metrics.jsonl cannot be written.
        """
        row = {"step": step, **metrics}
        self._run.append_metrics(row)
        spelled = {name: value for name, value in with_aliases(row).items() if name != "step"}  # trackio reserves that name
        for sink in tuple(self._sinks):
            self._guard(sink, lambda sink=sink: sink.log(step, spelled))

    def close(self) -> None:
        """Write out what the sinks hold back."""
        for sink in tuple(self._sinks):
            self._guard(sink, sink.close)

    def _guard(self, sink: Sink, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._sinks.remove(sink)
            self._listener(
                Warned(
                    f"{type(sink).__name__} failed and is switched off for the rest of the run ({type(error).__name__}: {error}); metrics.jsonl has everything"
                )
            )


def with_aliases(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics under their canonical names and under those that TRL and verl use."""
    return {**metrics, **{alias: value for name, value in metrics.items() for alias in ALIASES.get(name, ())}}


def _import_extra(module: str, *, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"tracking.{extra} is on, but {extra} cannot be imported ({error}). "
            f"Install it with: pip install 'proctor[{extra}]'. Or leave it out: --set tracking.{extra}=false"
        ) from error


def _remote_id(run: RunDirectory) -> str:
    """A name for the dashboards that a resumed run finds again and that another run of the same name does not take."""
    return f"{run.path.resolve().name}-{run.manifest.created[:19].replace(':', '').replace('-', '')}"
