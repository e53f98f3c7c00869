"""Proofs in Metamath: a kernel of a few rules in pure Python, which runs everywhere and trusts nothing but itself."""
