"""A fuzzer of the answer parser, for atheris: no bytes raise anything but `Unreadable`, and no verdict depends on the order.

python tests/verifiers/fuzz_mathematics.py -runs=20000 -max_len=200 -rss_limit_mb=0

The limit on memory is the address space of this process: libFuzzer's own looks at the largest size that the system has on record,
and that of a child begins with its parent's, however large the program was that started it.
"""

from __future__ import annotations

import resource
import sys

import atheris

with atheris.instrument_imports(include=["proctor.verifiers"]):
    from proctor.core.task import Score, Task
    from proctor.verifiers.equivalence import equivalent
    from proctor.verifiers.mathematics import MathVerifier
    from proctor.verifiers.notation import Unreadable
    from proctor.verifiers.reading import readings

MEMORY_LIMIT = 2 << 30  # bytes
VERIFIER = MathVerifier()
TASK = Task("t", "", r"\frac{x+1}{2}")


def one_input(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    left = provider.ConsumeUnicodeNoSurrogates(80)
    right = provider.ConsumeUnicodeNoSurrogates(80)
    assert isinstance(VERIFIER(left, TASK), Score)
    try:
        pairs = [(a, b) for a in readings(left, allow_words=True) for b in readings(right, allow_words=True)]
    except Unreadable:
        return
    for a, b in pairs:
        assert equivalent(a, b) is equivalent(b, a)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
