"""Shapes and types of the objective room are checked while tests run; in production they cost nothing."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:  # threads of tests side by side would wait for each other at every product
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401  (the hook finds it by this name)

_hook = install_import_hook("proctor.objective", "tests.typechecker.check")

import hypothesis
import pytest

from proctor.models.load import load_policy
from proctor.models.policy import Policy


hypothesis.settings.register_profile("proctor", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("proctor")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last what was not tested, by name."""
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"not tested here: {report.nodeid}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything that can be installed is said to be there (`PROCTOR_REQUIRE=all`), a test skipped for want of it is a failure.

    What a kernel lacks, or data that are not part of the repository, cannot be installed: such skips are only named.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("PROCTOR_REQUIRE") != "all" or reporter is None:
        return
    missing = [report.nodeid for report in reporter.stats.get("skipped", []) if any(words in str(report.longrepr) for words in _NOT_INSTALLED)]
    if missing:
        reporter.write_line(f"PROCTOR_REQUIRE=all, but {len(missing)} tests miss something that can be installed: {', '.join(missing[:5])}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_NOT_INSTALLED = ("not installed", "could not import")


@pytest.fixture
def tiny() -> Policy:
    """A fresh tiny policy: two random layers over bytes, fp32, CPU."""
    return load_policy("tiny", device="cpu")
