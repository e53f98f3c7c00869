"""The filter's bytes, run by a small interpreter of the same instructions, and its numbers against the kernel's headers."""

from __future__ import annotations

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from proctor.errors import SandboxError
from proctor.sandbox import seccomp
from proctor.sandbox.inside import SELF_PLACEHOLDER
from proctor.sandbox.seccomp import ALLOW, KILL, MACHINES, Machine, landlock_filter, namespace_filter

DENIED = 0x00050000 | errno.EPERM
UNKNOWN = 0x00050000 | errno.ENOSYS
X86 = MACHINES["x86_64"]


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Run a filter as the kernel does."""
    data = struct.pack("=iIQ6Q", number - (1 << 32) if number >= 1 << 31 else number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    instructions = list(struct.iter_unpack("=HBBI", program))
    at, loaded = 0, 0
    while True:
        code, yes, no, operand = instructions[at]
        at += 1
        match code:
            case 0x20:
                loaded = int.from_bytes(data[operand : operand + 4], "little")
            case 0x15:
                at += yes if loaded == operand else no
            case 0x35:
                at += yes if loaded >= operand else no
            case 0x45:
                at += yes if loaded & operand else no
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"an instruction that the kernel would refuse: {code:#x}")


@pytest.mark.parametrize("name", MACHINES)
def test_numbers_are_the_kernels(name: str) -> None:
    path = {"x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), "aarch64": Path("/usr/include/asm-generic/unistd.h")}[name]
    if not path.exists():
        pytest.skip(f"the kernel's headers: {path} is missing")
    theirs = {found: int(number) for found, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text())}
    wrong = {call: number for call, number in MACHINES[name].calls.items() if theirs.get(call, number) != number}
    unknown = [call for call, number in MACHINES[name].calls.items() if call not in theirs and number <= max(theirs.values())]
    assert (wrong, unknown) == ({}, [])


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_what_has_let_programs_out_is_denied(machine: Machine) -> None:
    for program in (namespace_filter(machine), landlock_filter(machine, is_signal_scoped=True)):
        for call in (
            "ptrace",
            "process_vm_writev",
            "pidfd_getfd",
            "io_uring_setup",
            "bpf",
            "unshare",
            "setns",
            "mount",
            "keyctl",
            "userfaultfd",
            "perf_event_open",
        ):
            assert verdict(program, machine.arch, machine.calls[call]) == DENIED, call
        assert verdict(program, machine.arch, machine.calls["clone"], 0x10000000 | 17) == DENIED
        assert verdict(program, machine.arch, machine.calls["clone"], 0x3D0F00) == ALLOW  # a thread
        assert verdict(program, machine.arch, machine.calls["clone3"]) == UNKNOWN
        assert verdict(program, machine.arch, 463) == UNKNOWN
        assert verdict(program, machine.arch, machine.calls["prlimit64"], 0) == ALLOW
        assert verdict(program, machine.arch, machine.calls["prlimit64"], 1) == DENIED
        assert verdict(program, machine.arch, machine.calls["ioctl"], 0, 0x5412) == DENIED
        assert verdict(program, machine.arch, machine.calls["ioctl"], 0, 0x5401) == ALLOW
        assert verdict(program, 0x40000003, 1) == KILL  # the 32-bit calls of another table


def test_x32_numbers_are_unknown_and_ordinary_calls_allowed() -> None:
    program = namespace_filter(X86)
    for number in (
        0,
        1,
        2,
        3,
        9,
        57,
        59,
        60,
        61,
        202,
        231,
        257,
        319,
        334,
    ):  # read write open close mmap fork execve exit wait4 futex exit_group openat memfd rseq
        assert verdict(program, X86.arch, number) == ALLOW
        assert verdict(program, X86.arch, number | seccomp.X32_BIT) == UNKNOWN


def test_sockets_and_signals_by_layer() -> None:
    socket, kill, tgkill, tkill = (X86.calls[name] for name in ("socket", "kill", "tgkill", "tkill"))
    inside, outside = namespace_filter(X86), landlock_filter(X86, is_signal_scoped=False)
    assert [verdict(inside, X86.arch, socket, family) for family in (1, 2, 10, 16, 17)] == [ALLOW] + [DENIED] * 4
    assert verdict(outside, X86.arch, socket, 1) == DENIED
    assert verdict(inside, X86.arch, kill, 12345) == ALLOW  # its own namespace
    assert [verdict(outside, X86.arch, kill, who) for who in (SELF_PLACEHOLDER, 0, 1, 0xFFFFFFFF)] == [ALLOW, ALLOW, DENIED, DENIED]
    assert [verdict(outside, X86.arch, tgkill, who) for who in (SELF_PLACEHOLDER, 0)] == [ALLOW, DENIED]
    assert verdict(outside, X86.arch, tkill, 1) == DENIED
    scoped = landlock_filter(X86, is_signal_scoped=True)
    assert verdict(scoped, X86.arch, kill, 1) == ALLOW and SELF_PLACEHOLDER.to_bytes(4, "little") not in scoped
    for call in ("setsid", "setpgid", "chmod", "fchmodat2", "truncate", "utimensat"):
        assert verdict(outside, X86.arch, X86.calls[call]) == DENIED and verdict(inside, X86.arch, X86.calls[call]) == ALLOW


def test_an_unknown_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxError, match="no system-call filter is known for a riscv64 processor"):
        seccomp.machine()
