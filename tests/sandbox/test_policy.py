"""The self-test: sound layers pass it, and with any one protection off it refuses."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import ConfigError, SandboxError
from proctor.sandbox import confinement, local, policy
from proctor.sandbox.base import Layer
from proctor.sandbox.confinement import Confinement, confine
from proctor.sandbox.frames import encode_job
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import cached_self_test, open_sandbox, self_test
from proctor.sandbox.seccomp import Instruction
from tests.sandbox.layers import CONFINING, descendants, sandbox


@pytest.mark.parametrize("layer", CONFINING)
def test_a_sound_layer_denies_every_probe(layer: Layer) -> None:
    report = self_test(sandbox(layer))
    assert report.is_sound and len(report.attempts) == 12, report
    assert descendants() == []


def test_a_mere_process_is_not_sound_and_not_used_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    report = cached_self_test(sandbox(Layer.PLAIN))
    assert report.is_usable and not report.is_sound
    denied = {attempt.name for attempt in report.attempts if attempt.is_denied}
    assert {"take more memory than allowed", "leave a process behind", "read the environment of the machine"} <= denied
    assert "read a file of the machine" not in denied and "connect to a port of the machine" not in denied
    monkeypatch.setattr(policy, "cached_self_test", lambda wanted: report if wanted.layer is Layer.PLAIN else policy.SelfTest(wanted.layer, "switched off"))
    for require in ("namespace", "landlock"):
        with pytest.raises(SandboxError, match=r"untrusted programs are not run here .* switched off.*apt install bubblewrap"):
            open_sandbox(require)
    assert open_sandbox("any").layer is Layer.PLAIN


def test_the_strongest_allowed_layer_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = {layer: cached_self_test(sandbox(layer)) for layer in CONFINING}
    assert open_sandbox().layer is Layer.NAMESPACE
    monkeypatch.setattr(
        policy, "cached_self_test", lambda wanted: sound[Layer.LANDLOCK] if wanted.layer is Layer.LANDLOCK else policy.SelfTest(wanted.layer, "no bubblewrap")
    )
    assert open_sandbox().layer is Layer.LANDLOCK
    with pytest.raises(SandboxError, match="namespace: no bubblewrap"):
        open_sandbox("namespace")
    with pytest.raises(ConfigError, match="no sandbox requirement 'strong'; allowed: namespace, landlock, any"):
        open_sandbox("strong")  # type: ignore[arg-type]


def weakened(monkeypatch: pytest.MonkeyPatch, change: Callable[[Confinement], Confinement]) -> None:
    monkeypatch.setattr(local, "confine", lambda *arguments: change(confine(*arguments)))


def without(*flags: str) -> Callable[[Confinement], Confinement]:
    return lambda plan: dataclasses.replace(plan, prefix=tuple(part for part in plan.prefix if part not in flags))


def with_settings(**changes: Any) -> Callable[[Confinement], Confinement]:
    return lambda plan: dataclasses.replace(plan, settings={**plan.settings, **changes})


def showing(path: Path) -> Callable[[Confinement], Confinement]:
    """A bind of a directory of the machine, writable, at its own place in the sandbox."""

    def change(plan: Confinement) -> Confinement:
        end = plan.prefix.index("--remount-ro")
        parents = [part for parent in reversed(path.parents[:-1]) for part in ("--perms", "0755", "--dir", str(parent))]
        return dataclasses.replace(plan, prefix=(*plan.prefix[:end], *parents, "--bind", str(path), str(path), *plan.prefix[end:]))

    return change


def allowed(layer: Layer) -> set[str]:
    report = self_test(LocalSandbox(layer))
    assert not report.is_sound
    assert report.is_usable, report.problem
    return {attempt.name for attempt in report.attempts if not attempt.is_denied}


def no_families(machine: object, family: int) -> list[Instruction]:
    return []


def test_namespaces_without_a_private_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sandbox(Layer.NAMESPACE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what the attempts are at lies there, and not in the sandbox's own directory
    tmp_path.chmod(0o755)
    weakened(monkeypatch, showing(tmp_path))
    assert {"read a file of the machine", "write outside its directory"} <= allowed(Layer.NAMESPACE)


def test_namespaces_without_their_network(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.NAMESPACE)
    weakened(monkeypatch, without("--unshare-net"))
    assert "connect to an abstract Unix socket" in allowed(Layer.NAMESPACE)
    monkeypatch.setattr("proctor.sandbox.seccomp._only_families", no_families)
    assert "connect to a port of the machine" in allowed(Layer.NAMESPACE)


def test_namespaces_without_their_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.NAMESPACE)
    weakened(monkeypatch, without("--unshare-pid", "--as-pid-1"))
    assert "see a process of the machine" in allowed(Layer.NAMESPACE)


def test_namespaces_without_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.NAMESPACE)

    def change(plan: Confinement) -> Confinement:
        return with_settings(filter=b"")(without("--disable-userns")(plan))

    weakened(monkeypatch, change)
    assert allowed(Layer.NAMESPACE) == {"make a user namespace"}


@pytest.mark.parametrize("layer", CONFINING)
def test_without_resource_limits(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(layer)
    monkeypatch.setattr(local, "make_cgroup", lambda: None)
    monkeypatch.setattr(
        local, "encode_job", lambda job, limits, nonce: encode_job(job, dataclasses.replace(limits, memory_bytes=1 << 40, num_processes=10_000), nonce)
    )
    assert allowed(layer) == {"take more memory than allowed", "start more processes than allowed"}


def test_landlock_without_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.LANDLOCK)
    weakened(monkeypatch, with_settings(landlock=None))
    assert {"read a file of the machine", "write outside its directory", "see a process of the machine"} <= allowed(Layer.LANDLOCK)


def test_landlock_without_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.LANDLOCK)
    weakened(monkeypatch, with_settings(filter=b""))
    assert "make a user namespace" in allowed(Layer.LANDLOCK)


def test_the_environment_of_the_machine_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.NAMESPACE)
    monkeypatch.setenv("PROCTOR_TEST_SECRET", "1")
    source = local.bundle.__wrapped__()
    monkeypatch.setattr(local, "bundle", lambda: source.replace(b"PYTHONHASHSEED", b"PROCTOR_TEST_S"))
    monkeypatch.setenv("PROCTOR_TEST_S", "1")
    assert allowed(Layer.NAMESPACE) == {"read the environment of the machine"}


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "bubblewrap is not installed; install it: apt install bubblewrap" in self_test(LocalSandbox(Layer.NAMESPACE)).summary


def test_a_kernel_without_landlock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "MIN_LANDLOCK", 1000)
    assert "Linux 6.2 or later, with Landlock enabled" in self_test(LocalSandbox(Layer.LANDLOCK)).summary


def test_no_probe_is_believed_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(Layer.NAMESPACE)
    monkeypatch.setattr(policy, "PROBES", (policy.Probe("silent", "def tried(facts): os._exit(0)"), policy.Probe("broken", "def tried(facts): return 1 / 0")))
    report = self_test(LocalSandbox(Layer.NAMESPACE))
    assert not report.is_sound and [attempt.is_denied for attempt in report.attempts] == [False, False]
