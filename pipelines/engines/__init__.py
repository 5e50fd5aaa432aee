"""Where tasks run. Every engine writes the same content; each engine's package is imported by its own module alone."""
