"""Sends callables to fresh interpreters by value, and names what cannot be sent.

Functions of the user's own modules travel as code, so that a worker imports neither her `__main__` nor her project.
What is installed (site-packages, the standard library, Proctor) travels as an import.
"""

from __future__ import annotations

import functools
import inspect
import io
import socket
import sys
import sysconfig
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle

import proctor.sandbox
from proctor.errors import ConfigError

_INSTALLED = tuple(
    {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {Path(proctor.sandbox.__path__[0]).resolve().parent}
)
_UNSHIPPABLE = (io.IOBase, socket.socket, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, threading.Thread)
_MAX_DEPTH = 4


class _Pickler(cloudpickle.Pickler):
    """Refuses what cloudpickle would quietly copy: the contents of a file that happens to be open, for one."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _UNSHIPPABLE):
            raise TypeError(f"cannot ship {_type_name(obj)!r} object")
        return super().reducer_override(obj)


def ship(value: Any, *, name: str) -> bytes:
    """Return a pickle of a function or callable object that a fresh interpreter can load.

    Args:
        value: what to send.
        name: what to call it in messages ("reward function 'length'").

    Raises:
        ConfigError: something that it captured cannot be sent; the message names it, and what to do.
    """
    local = _local_modules(value)
    for module in local:
        cloudpickle.register_pickle_by_value(module)
    try:
        return _dumps(value)
    except Exception as error:
        culprit = next(_culprits(value, depth=0), None)
        what = f"it captures {culprit}, which" if culprit else f"it ({type(error).__name__}: {error})"
        raise ConfigError(
            f"{name} runs in a separate process, but {what} cannot be sent there. "
            "Create it inside the function (once, behind functools.cache, if that is slow), or set in_process=True to run without isolation or time limit."
        ) from error
    finally:
        for module in local:
            cloudpickle.unregister_pickle_by_value(module)


def _dumps(value: Any) -> bytes:
    with io.BytesIO() as file:
        _Pickler(file).dump(value)
        return file.getvalue()


def _can_ship(value: Any) -> bool:
    try:
        _dumps(value)
    except Exception:
        return False
    return True


def _culprits(value: Any, *, depth: int) -> Iterator[str]:
    """Describe the captured objects that cannot be sent, the innermost known cause first."""
    for how, variable, captured in _captures(value):
        if _can_ship(captured):
            continue
        inner = _culprits(captured, depth=depth + 1) if depth < _MAX_DEPTH else iter(())
        deeper = next(inner, None)
        here = f"{how} {variable!r} ({_type_name(captured)})"
        yield f"{deeper} through {here}" if deeper else here


def _captures(value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield how, under which name, and what a callable carries along."""
    if isinstance(value, functools.partial):
        yield "the partial's function", getattr(value.func, "__name__", "func"), value.func
        yield from (("the partial's argument", str(key), item) for key, item in [*enumerate(value.args), *value.keywords.items()])
    elif inspect.ismethod(value):
        yield "the object", type(value.__self__).__name__, value.__self__
        yield from _captures(value.__func__)
    elif inspect.isfunction(value):
        code = value.__code__
        for variable, cell in zip(code.co_freevars, value.__closure__ or (), strict=True):
            try:
                yield "the closure variable", variable, cell.cell_contents
            except ValueError:  # not yet bound
                continue
        yield from (("the global", variable, value.__globals__[variable]) for variable in _global_names(code) if variable in value.__globals__)
        defaults = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        names = [*code.co_varnames[: code.co_argcount][-len(value.__defaults__ or ()) or code.co_argcount :], *(value.__kwdefaults__ or {})]
        yield from (("the default of", variable, default) for variable, default in zip(names, defaults, strict=False))
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:
            yield "the wrapped function", getattr(wrapped, "__name__", "function"), wrapped
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from (("the element", str(index), item) for index, item in enumerate(value))
    elif isinstance(value, dict):
        yield from (("the entry", str(key), item) for key, item in value.items())
    elif not isinstance(value, (type, types.ModuleType)):
        yield from (("the attribute", variable, item) for variable, item in getattr(value, "__dict__", {}).items())
        yield from (("the attribute", slot, getattr(value, slot)) for slot in getattr(type(value), "__slots__", ()) if hasattr(value, slot))


def _global_names(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that a function and the functions inside it may read."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _local_modules(value: Any) -> list[types.ModuleType]:
    """Return the user's own modules whose functions and classes `value` reaches, those she has registered herself apart."""
    found: dict[str, types.ModuleType] = {}
    seen: set[int] = set()
    queue = [value]
    while queue:
        reached = queue.pop()
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        is_code = inspect.isfunction(reached) or isinstance(reached, type)
        module = sys.modules.get(getattr(reached if is_code else type(reached), "__module__", None) or "")
        if module is not None and _is_local(module):
            found[module.__name__] = module
            queue.extend(item for item in (vars(reached) if isinstance(reached, type) else {}).values() if callable(item))
            queue.extend([] if is_code else [type(reached)])
        if is_code and module is not None and not _is_local(module) and module.__name__ != "__main__":
            continue
        queue.extend(captured for _, _, captured in _captures(reached))
    registered = cloudpickle.list_registry_pickle_by_value()
    return [module for name, module in found.items() if name not in registered]


def _is_local(module: types.ModuleType) -> bool:
    """Whether a module is the user's: it has a file, and the file is neither installed nor part of Proctor or Python."""
    if module.__name__ == "__main__" or getattr(module, "__file__", None) is None:
        return False  # __main__ travels by value in any case
    path = Path(str(module.__file__)).resolve()
    return not {"site-packages", "dist-packages"} & set(path.parts) and not any(path.is_relative_to(root) for root in _INSTALLED)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
