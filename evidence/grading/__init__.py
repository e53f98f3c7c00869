"""What the benchmark of graders is made of: attacks, rewritten answers, public cases, the graders compared."""
