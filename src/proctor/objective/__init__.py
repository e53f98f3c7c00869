"""The mathematics of policy optimisation: pure functions of tensors.

Tensors come positionally in the order of the paper, hyper-parameters by keyword and without defaults. Nothing here reads a
configuration, logs, or knows a model. Errors are `ValueError`.
"""
