"""Layers for tests: a test whose layer this machine refuses is skipped by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.sandbox.base import Layer
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import cached_self_test

LAYERS = (Layer.NAMESPACE, Layer.LANDLOCK, Layer.PLAIN)
CONFINING = (Layer.NAMESPACE, Layer.LANDLOCK)


def sandbox(layer: Layer, **options: object) -> LocalSandbox:
    """Return a sandbox of a layer, or skip the test."""
    report = cached_self_test(LocalSandbox(layer))
    if not report.is_usable:
        pytest.skip(f"the {layer.value} layer of the sandbox: {report.problem}")
    return LocalSandbox(layer, **options)  # type: ignore[arg-type]


def descriptors() -> set[str]:
    """What this process has open."""
    return {f"{entry.name} {entry.readlink()}" for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def descendants() -> list[int]:
    """Processes that this one started, directly or not, or that came to it."""
    found, queue = [], [os.getpid()]
    while queue:
        pid = queue.pop()
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = [int(child) for child in (task / "children").read_text().split()]
            found += children
            queue += children
    return found
