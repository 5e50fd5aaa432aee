"""Where raw records come from: listings, readers and the task that turns a file into shards of raw records."""
