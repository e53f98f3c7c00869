"""What the viewer needs beyond the core install, asked for at one door with one message."""

from __future__ import annotations

from importlib.util import find_spec

from proctor.errors import ConfigError

_PACKAGES = ("duckdb", "starlette", "uvicorn")


def require_extra(verb: str) -> None:
    """Say which command installs what is missing.

    Args:
        verb: of the command line, for the message.

    Raises:
        ConfigError: a package of the extra `view` is not installed.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise ConfigError(f"`proctor {verb}` needs {', '.join(missing)}, which the core install leaves out; install with: pip install 'proctor[view]'")
