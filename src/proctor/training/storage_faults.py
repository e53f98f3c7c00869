"""How a full disk or a refused write shows itself, and what the user can do about it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

# What libraries that write through other languages say of a full disk; none of them raises OSError.
_FOREIGN_WORDS = (
    "No space left on device",
    "(os error 28)",
    "File too large",
    "(os error 27)",
    "Disk quota exceeded",
    "PytorchStreamWriter",
    "unexpected pos",
)


def is_storage_fault(error: Exception) -> bool:
    """Whether the operating system refused to read or write a file, whichever library says so."""
    return isinstance(error, OSError) or any(words in str(error) for words in _FOREIGN_WORDS)


def describe(error: Exception, path: Path) -> str:
    """The reason in the system's own words, and the space that is left where `path` lies."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{reason} ({_free_space(path)})"


def remedy(error: Exception) -> str:
    """What the user has to do before writing can go on, as the beginning of a sentence."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Allow writing there"
    if number == errno.EFBIG:
        return "Raise the limit on file sizes (ulimit -f)"
    if number in (errno.ENOENT, errno.ENOTDIR, errno.EIO):
        return "Restore what is missing there"
    return "Make room on that disk"


def _free_space(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path).free / 2**30:.2f} GiB free there now"
    except OSError:
        return "free space unknown"
