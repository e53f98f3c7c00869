"""Engines turn prompts into completions. `base` holds the protocol and has no torch; each engine is one module."""
