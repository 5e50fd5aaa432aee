"""Laws fitted to recorded runs."""
