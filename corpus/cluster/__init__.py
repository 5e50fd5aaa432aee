"""Vectors to clusters, clusters to a frozen taxonomy of domains."""
