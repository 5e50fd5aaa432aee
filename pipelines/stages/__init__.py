"""One file a stage: which steps it has and what each reads."""
