"""Training formats, and the task that writes one shard in one of them."""
