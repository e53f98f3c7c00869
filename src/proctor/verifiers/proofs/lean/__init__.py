"""Proofs in Lean 4, where a toolchain is present.

No Lean toolchain could be installed where this was written. The trusted metaprogram `audit.lean` has never been compiled, and the
checker has been run against a stand-in only, which plays what Lean's programs are documented to answer. Before it pays a
reward, run `pytest tests/verifiers/proofs/real_lean.py` on a machine with Lean: that tries good proofs and the attacks on the real thing.
"""
