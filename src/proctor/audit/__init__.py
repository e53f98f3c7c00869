"""Attacks rewards before a policy does: gold answers that must pass, wrong answers and known hacks that must fail.

Beside training. It grades through the same workers as a run and knows nothing of models.
"""
