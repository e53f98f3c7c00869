"""A fuzzer of the answer parser, for atheris: no bytes raise anything but `Unreadable`, and no verdict depends on the order.

python tests/verifiers/fuzz_mathematics.py -runs=20000 -max_len=200
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["proctor.verifiers"]):
    from proctor.core.task import Score, Task
    from proctor.verifiers.equivalence import equivalent
    from proctor.verifiers.mathematics import MathVerifier
    from proctor.verifiers.notation import Unreadable
    from proctor.verifiers.reading import readings

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
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
