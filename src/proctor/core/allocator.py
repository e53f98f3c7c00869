"""Let the C allocator keep what a step frees for the next one.

A training step frees and asks for the same hundreds of megabytes again. By default glibc gives large blocks back to the system at
once, so each is mapped, zeroed and faulted in page by page again: up to a third of a step's processor time. A process that keeps
its blocks is as large as its largest step, which it was anyway.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # from malloc.h
_NEVER = -1
_GROW_BY = 64 << 20  # bytes


def keep_freed_memory() -> bool:
    """Tell the allocator of this process to give nothing back; False where it cannot be told (not glibc).

    For processes that are ours: the command line calls it, the library does not. Programs started from here are not affected.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(parameter, value) for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _GROW_BY)))
