"""Proofs in Coq (Rocq): compiled in a sandbox, re-checked by coqchk in another, the statement compared by its type."""
