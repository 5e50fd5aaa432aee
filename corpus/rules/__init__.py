"""Bounds on signals, each with a named reason, and the step that drops documents by them."""
