"""Words, lines, matching form and shingles: what signals, rules and dedup derive from text."""
