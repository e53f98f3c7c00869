"""Machine-checked proofs as rewards."""
