"""Which documents hold the questions of evaluation sets: n-grams, embeddings, and an audit of what was found."""
