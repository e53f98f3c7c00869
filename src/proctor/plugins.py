"""Names that stand for code: import strings (`"my_lab.graders:ProofVerifier"`) and installed entry points.

There is no registry to decorate into. A short name is an alias that a package declares in its metadata; everything
else is spelled as the import it is.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from proctor.errors import ConfigError


def load(name: str, *, kind: str, aliases: Mapping[str, str], group: str | None = None) -> Any:
    """Return the object that `name` stands for.

    Args:
        name: an alias, an entry point of `group`, `"package.module:attribute"` or `"path/to/file.py:attribute"`.
        kind: what is looked for, for messages ("recipe", "verifier").
        aliases: short names that Proctor itself ships, each with its import string.
        group: entry-point group in which other packages declare short names.

    Raises:
        ConfigError: the name is unknown, or its module cannot be imported.
    """
    if name in aliases:
        return import_string(aliases[name], kind=kind)
    if ":" in name:
        return import_string(name, kind=kind)
    declared = {point.name: point for point in entry_points(group=group)} if group else {}
    if name in declared:
        return import_string(declared[name].value, kind=kind)
    raise ConfigError(unknown(name, kind=kind, allowed=[*aliases, *declared], also='or an import string "package.module:attribute"'))


def import_string(name: str, *, kind: str) -> Any:
    """Import `"package.module:attribute"` or `"path/to/file.py:attribute"`.

    Raises:
        ConfigError: the module cannot be imported or has no such attribute.
    """
    module_name, _, attribute = name.rpartition(":")
    if not module_name or not attribute:
        raise ConfigError(f'{kind} {name!r} is not an import string; write "package.module:attribute" or "file.py:attribute"')
    try:
        module = _module_from_file(Path(module_name)) if module_name.endswith(".py") else importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(f"{kind} {name!r}: module {module_name!r} cannot be imported ({error}); install it, or run where it can be found") from error
    except FileNotFoundError as error:
        raise ConfigError(f"{kind} {name!r}: there is no file {module_name!r} here ({Path.cwd()})") from error
    except Exception as error:
        raise ConfigError(
            f"{kind} {name!r}: {module_name!r} fails when it is imported: {type(error).__name__}: {error}{_line_of(error, module_name)}"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = [entry for entry in vars(module) if not entry.startswith("_")]
        raise ConfigError(unknown(attribute, kind=f"name in {module_name}", allowed=public)) from None


def _module_from_file(path: Path) -> Any:
    """Import a stand-alone Python file, once a process, under a name of its own: `math.py` must not stand for the library's."""
    if not path.is_file():
        raise FileNotFoundError(path)
    name = f"{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _line_of(error: BaseException, file: str) -> str:
    """The line of a file at which an exception arose, as words; empty where it did not pass through the file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == Path(file).name]
    return f" (line {lines[-1]})" if lines else ""


def unknown(given: str, *, kind: str, allowed: Iterable[str], also: str = "") -> str:
    """Say that a name is unknown, which names are allowed, and which one was probably meant."""
    names = sorted(set(allowed))
    close = difflib.get_close_matches(given, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    tail = f", {also}" if also else ""
    return f"unknown {kind} {given!r}.{hint} Allowed: {', '.join(names) or '(none)'}{tail}."
