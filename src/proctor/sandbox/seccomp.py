"""The system-call filter, as the bytes that the kernel takes (classic BPF), built here so that no library is needed.

It denies what no solution of a task needs and what has let programs out of sandboxes before. Everything denied answers
EPERM, so programs see an exception and go on; calls newer than the list answer ENOSYS, like on an older kernel. A
deny-list on top of namespaces or Landlock, never the only wall.

Sources: linux/seccomp.h, linux/filter.h; numbers from the kernel's system-call tables for x86-64 and the generic table.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from proctor.errors import SandboxError
from proctor.sandbox.inside import SELF_PLACEHOLDER

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENTS = 0, 4, 16
CLONE_NAMESPACES = 0x7E020080  # NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME
X32_BIT = 0x40000000
LAST_KNOWN = 462  # mseal; from 424 on the numbers are the same on every machine
AF_UNIX = 1
TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor as the kernel names it.

    Attributes:
        arch: the audit number that the kernel hands to filters.
        calls: numbers of the system calls below 424 that the filter speaks of; those that do not exist there are left out.
    """

    arch: int
    calls: dict[str, int]


_X86_64 = """
shmget 29 shmat 30 shmctl 31 socket 41 clone 56 kill 62 semget 64 semop 65 semctl 66 shmdt 67 msgget 68 msgsnd 69 msgrcv 70 msgctl 71 truncate 76
chmod 90 fchmod 91 chown 92 fchown 93 lchown 94 ptrace 101 syslog 103 setpgid 109 setsid 112 mknod 133 personality 135 ustat 136 setpriority 141
sched_setparam 142 sched_setscheduler 144 vhangup 153 modify_ldt 154 pivot_root 155 adjtimex 159 chroot 161 acct 163 settimeofday 164 mount 165
umount2 166 swapon 167 swapoff 168 reboot 169 sethostname 170 setdomainname 171 iopl 172 ioperm 173 init_module 175 delete_module 176 quotactl 179
setxattr 188 lsetxattr 189 fsetxattr 190 removexattr 197 lremovexattr 198 fremovexattr 199 tkill 200 sched_setaffinity 203 lookup_dcookie 212
semtimedop 220 clock_settime 227 tgkill 234 utime 132 utimes 235 mbind 237 mq_open 240 mq_unlink 241 mq_timedsend 242 mq_timedreceive 243 mq_notify
244 mq_getsetattr 245 kexec_load 246 add_key 248 request_key 249 keyctl 250 ioprio_set 251 migrate_pages 256 mknodat 259 fchownat 260 futimesat 261
fchmodat 268 unshare 272 move_pages 279 utimensat 280 rt_sigqueueinfo 129 rt_tgsigqueueinfo 297 perf_event_open 298 fanotify_init 300 fanotify_mark
301 prlimit64 302 name_to_handle_at 303 open_by_handle_at 304 clock_adjtime 305 setns 308 process_vm_readv 310 process_vm_writev 311 kcmp 312
finit_module 313 sched_setattr 314 kexec_file_load 320 bpf 321 userfaultfd 323 ioctl 16
"""
_AARCH64 = """
setxattr 5 lsetxattr 6 fsetxattr 7 removexattr 14 lremovexattr 15 fremovexattr 16 lookup_dcookie 18 ioctl 29 ioprio_set 30 mknodat 33 umount2 39 mount
40 pivot_root 41 truncate 45 chroot 51 fchmod 52 fchmodat 53 fchownat 54 fchown 55 vhangup 58 quotactl 60 utimensat 88 acct 89 personality 92 unshare
97 kexec_load 104 init_module 105 delete_module 106 clock_settime 112 syslog 116 ptrace 117 sched_setparam 118 sched_setscheduler 119
sched_setaffinity 122 kill 129 tkill 130 tgkill 131 rt_sigqueueinfo 138 setpriority 140 reboot 142 setpgid 154 setsid 157 sethostname 161
setdomainname 162 settimeofday 170 adjtimex 171 mq_open 180 mq_unlink 181 mq_timedsend 182 mq_timedreceive 183 mq_notify 184 mq_getsetattr 185 msgget
186 msgctl 187 msgrcv 188 msgsnd 189 semget 190 semctl 191 semtimedop 192 semop 193 shmget 194 shmctl 195 shmat 196 shmdt 197 socket 198 add_key 217
request_key 218 keyctl 219 clone 220 swapon 224 swapoff 225 mbind 235 migrate_pages 238 move_pages 239 rt_tgsigqueueinfo 240 perf_event_open 241
prlimit64 261 fanotify_init 262 fanotify_mark 263 name_to_handle_at 264 open_by_handle_at 265 clock_adjtime 266 setns 268 process_vm_readv 270
process_vm_writev 271 kcmp 272 finit_module 273 sched_setattr 274 bpf 280 userfaultfd 282 kexec_file_load 294
"""
_COMMON = """
pidfd_send_signal 424 io_uring_setup 425 io_uring_enter 426 io_uring_register 427 open_tree 428 move_mount 429 fsopen 430 fsconfig 431 fsmount 432
fspick 433 clone3 435 pidfd_getfd 438 process_madvise 440 mount_setattr 442 quotactl_fd 443 memfd_secret 447 process_mrelease 448
set_mempolicy_home_node 450 fchmodat2 452
"""


def _words(text: str) -> list[str]:
    return text.split()


def _numbers(*tables: str) -> dict[str, int]:
    words = _words(" ".join(tables))
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


MACHINES = {"x86_64": Machine(0xC000003E, _numbers(_X86_64, _COMMON)), "aarch64": Machine(0xC00000B7, _numbers(_AARCH64, _COMMON))}

_DENIED = _words("""
ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease io_uring_setup io_uring_enter io_uring_register
bpf perf_event_open userfaultfd add_key request_key keyctl mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount
fspick mount_setattr unshare setns name_to_handle_at open_by_handle_at fanotify_init fanotify_mark quotactl quotactl_fd acct swapon swapoff
reboot kexec_load kexec_file_load init_module finit_module delete_module settimeofday clock_settime clock_adjtime adjtimex sethostname
setdomainname iopl ioperm syslog lookup_dcookie personality modify_ldt vhangup ustat mbind migrate_pages move_pages set_mempolicy_home_node
memfd_secret shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink
mq_timedsend mq_timedreceive mq_notify mq_getsetattr setpriority sched_setparam sched_setscheduler sched_setattr ioprio_set
""")
_DENIED_WITHOUT_NAMESPACES = _words("""
socket setsid setpgid chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr
fsetxattr removexattr lremovexattr fremovexattr truncate pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo
""")


def machine() -> Machine:
    """Return this machine.

    Raises:
        SandboxError: no filter is known for it.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise SandboxError(
            f"no system-call filter is known for a {name} processor (there is one for {' and '.join(MACHINES)}), so untrusted programs are refused here"
        )
    return MACHINES[name]


def namespace_filter(machine: Machine) -> bytes:
    """Return the filter for programs that have namespaces of their own: sockets between their own processes are allowed."""
    return _build(machine, _DENIED, [*_only_families(machine, AF_UNIX), *_always(machine)])


def landlock_filter(machine: Machine, *, is_signal_scoped: bool) -> bytes:
    """Return the filter for programs without namespaces.

    They get no sockets (but pairs), cannot leave their process group (so that it can be killed whole), and cannot change what Landlock does
    not guard: modes, owners, times and attributes of files.

    Args:
        is_signal_scoped: whether Landlock confines signals; if not, a process may signal itself and its group only, and the bytes
            hold `SELF_PLACEHOLDER` where its number goes.
    """
    own = [] if is_signal_scoped else [*_only_self(machine, "kill", 0), *_only_self(machine, "tgkill"), *_deny(machine, ["tkill"])]
    return _build(machine, [*_DENIED, *_DENIED_WITHOUT_NAMESPACES], [*_always(machine), *own])


Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def _build(machine: Machine, denied: Iterable[str], rules: Iterable[Instruction]) -> bytes:
    foreign: list[Instruction] = [(LOAD, 0, 0, OFFSET_ARCH), (JUMP_EQUAL, 1, 0, machine.arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, OFFSET_NUMBER)]
    unknown: list[Instruction] = [(JUMP_GREATER_EQUAL, 0, 1, LAST_KNOWN + 1), _error(errno.ENOSYS)]  # the x32 numbers are among them
    program = [*foreign, *unknown, *_deny(machine, denied), *rules, (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _error(number: int) -> Instruction:
    return (RETURN, 0, 0, 0x00050000 | number)


def _deny(machine: Machine, names: Iterable[str]) -> list[Instruction]:
    numbers = [machine.calls[name] for name in names if name in machine.calls]
    return [instruction for number in numbers for instruction in ((JUMP_EQUAL, 0, 1, number), _error(errno.EPERM))]


def _always(machine: Machine) -> list[Instruction]:
    """No namespaces by clone (clone3 hides its flags in memory, and libraries fall back to clone), no limits and no scheduling of others, no keystrokes."""
    calls = machine.calls
    return [
        (JUMP_EQUAL, 0, 1, calls["clone3"]),
        _error(errno.ENOSYS),
        *_if_argument(calls["clone"], 0, [(JUMP_BITS, 0, 1, CLONE_NAMESPACES), _error(errno.EPERM)]),
        *_if_argument(calls["prlimit64"], 0, [(JUMP_EQUAL, 1, 0, 0), _error(errno.EPERM)]),
        *_if_argument(calls["sched_setaffinity"], 0, [(JUMP_EQUAL, 1, 0, 0), _error(errno.EPERM)]),
        *_if_argument(calls["ioctl"], 1, [(JUMP_EQUAL, 1, 0, TIOCSTI), (JUMP_EQUAL, 0, 1, TIOCLINUX), _error(errno.EPERM)]),
    ]


def _only_families(machine: Machine, family: int) -> list[Instruction]:
    return _if_argument(machine.calls["socket"], 0, [(JUMP_EQUAL, 1, 0, family), _error(errno.EPERM)])


def _only_self(machine: Machine, name: str, *more: int) -> list[Instruction]:
    allowed = [SELF_PLACEHOLDER, *more]
    tests = [(JUMP_EQUAL, len(allowed) - index, 0, value) for index, value in enumerate(allowed)]
    return _if_argument(machine.calls[name], 0, [*tests, _error(errno.EPERM)])


def _if_argument(number: int, index: int, tests: list[Instruction]) -> list[Instruction]:
    """For one system call, load the low half of an argument and test it; then the number is loaded again for what follows."""
    return [(JUMP_EQUAL, 0, len(tests) + 2, number), (LOAD, 0, 0, OFFSET_ARGUMENTS + 8 * index), *tests, (LOAD, 0, 0, OFFSET_NUMBER)]
