"""Numerical work that several stages share: k-means, exact convex solves."""
