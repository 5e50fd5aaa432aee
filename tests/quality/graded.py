"""Texts whose words say how good they are, for tests: label L draws its words from around place L of an ordered list."""

import json

import numpy as np

WORDS = [f"{w}{i}" for i in range(10) for w in ("spam", "chat", "news", "note", "page", "book", "proof")]
WORDS = sorted(WORDS, key=lambda w: ("spam", "chat", "news", "note", "page", "book", "proof").index(w.rstrip("0123456789")))


def texts(n, seed=0, labels=range(-1, 6)):
    """n (text, label) pairs, labels in turn."""
    rng = np.random.default_rng(seed)
    labels = list(labels)
    found = []
    for i in range(n):
        label = labels[i % len(labels)]
        place = np.clip(rng.normal((label + 1) * 10 + 4.5, 6, 30), 0, 69).astype(int)
        found.append((" ".join(WORDS[p] for p in place), label))
    return found


def lines(pairs):
    return [json.dumps({"text": text, "label": label}).encode() for text, label in pairs]
