"""Mutation testing of the objective room: break each line in every small way, and see a test go red.

`python -m tests.mutation.campaign` runs it. `mutants` makes the broken modules, `campaign` runs the tests of the room on each,
`equivalent.toml` lists those that cannot be told from the original, with the reason.
"""
