"""The only room that changes weights. It knows batches of tokens and an objective; not tasks, verifiers or engines."""
