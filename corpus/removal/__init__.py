"""Removal: what a removal closes over, the rows that keep it out, and the masking of what it left behind."""
