"""The allocator keeps what was freed, where it was asked to, in a process of its own: the setting is for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proctor.cli import main as command_line

BLOCK = 256 << 20  # bytes

PROGRAM = f"""
import ctypes, sys
from pathlib import Path
from proctor.core.allocator import keep_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "kept":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
before = resident()
block = libc.malloc({BLOCK})
ctypes.memset(block, 1, {BLOCK})
libc.free(block)
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
@pytest.mark.parametrize(("mode", "is_kept"), [("kept", True), ("left", False)])
def test_freed_memory_is_kept_only_where_asked(mode: str, is_kept: bool) -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True)
    assert (int(finished.stdout) > BLOCK // 2) is is_kept


def test_only_a_process_of_the_commands_own_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr(command_line, "keep_freed_memory", lambda: told.append(True))
    assert command_line.main(["recipes"]) == 0
    assert not told
    monkeypatch.setattr(sys, "argv", ["proctor", "recipes"])
    assert command_line.main() == 0
    assert told
