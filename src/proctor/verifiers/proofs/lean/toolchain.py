"""Finds a Lean toolchain: `lean` by itself, or as a Lake project sets it up."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from proctor.errors import ConfigError

LAKE_TIMEOUT_S = 60.0
INSTALL = "install Lean (elan), or give the directory of a Lake project that is built"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Where Lean's programs and libraries are.

    Attributes:
        prefix: the toolchain's directory.
        lean: path of the compiler itself, not of elan's proxy.
        leanchecker: path of the independent replay (in toolchains since 4.28); empty where there is none.
        library: directories of compiled libraries beyond the toolchain's own.
    """

    prefix: str
    lean: str
    leanchecker: str = ""
    library: tuple[str, ...] = ()


def find_toolchain(project: str | None = None) -> Toolchain:
    """Ask `lake`, in a project, or `lean` where its parts are. Nothing that a model wrote is run here.

    Args:
        project: directory of a built Lake project whose libraries statements import; None for the toolchain alone.

    Raises:
        ConfigError: there is no toolchain, or it does not answer.
    """
    if project is None:
        prefix = _ask(["lean", "--print-prefix"], None)
        library: tuple[str, ...] = ()
    else:
        if not Path(project).is_dir():
            raise ConfigError(f"there is no Lake project {project!r}: {INSTALL}")
        prefix = _ask(["lake", "env", "lean", "--print-prefix"], project)
        library = tuple(str(Path(project, part).resolve()) for part in _ask(["lake", "env", "printenv", "LEAN_PATH"], project).split(":") if part)
    binaries = Path(prefix, "bin")
    if not (binaries / "lean").is_file():
        raise ConfigError(f"lean says that it is installed in {prefix[:200]!r}, where there is no bin/lean: {INSTALL}")
    checker = binaries / "leanchecker"
    return Toolchain(prefix, str(binaries / "lean"), str(checker) if checker.is_file() else "", library)


def _ask(command: list[str], directory: str | None) -> str:
    if shutil.which(command[0]) is None:
        raise ConfigError(f"{command[0]} is not on the PATH: {INSTALL}")
    try:
        answer = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=LAKE_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{' '.join(command)} failed ({error}): {INSTALL}") from error
    return answer.stdout.strip()
