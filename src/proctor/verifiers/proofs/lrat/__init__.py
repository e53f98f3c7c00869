"""Propositional formulas: proofs that they have no solution (LRAT), and solutions."""
