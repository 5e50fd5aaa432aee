"""Editors: text repaired, masked or cut, with the places kept as an attribute."""
