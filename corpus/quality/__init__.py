"""A quality classifier trained on the build's own sources."""
