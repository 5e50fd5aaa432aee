"""Weights over cells: the space of them, baselines, and the exact draw."""
