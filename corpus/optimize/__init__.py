"""Optimizers: evidence in, a mixture with its comparisons out."""
