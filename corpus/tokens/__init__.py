"""Tokenizers: pinned or trained, and documents as token ids."""
