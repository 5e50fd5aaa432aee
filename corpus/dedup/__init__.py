"""Near-duplicates: shingles and MinHash bands, candidate pairs, exact Jaccard, components and the keeper of each."""
