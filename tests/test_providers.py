"""Whose release decides what: an operator whose output comes from a library, or from Unicode tables, says so."""

import pytest

from corpus.registry import identity, lookup
from pipelines import operators


@pytest.mark.parametrize(
    ("kind", "name", "providers"),
    [
        ("extractor", "plain", {"resiliparse"}),                                        # detection of encodings
        ("extractor", "resiliparse", {"resiliparse"}),
        ("extractor", "blocks", {"lxml", "resiliparse"}),
        ("extractor", "trafilatura", {"trafilatura", "lxml", "jusText", "resiliparse"}),
        ("reader", "warc", {"fastwarc"}),                                               # br and zstd bodies
        ("reader", "wet", {"fastwarc"}),
        ("signal", "gopher_quality", {"python-unicode", "budoux"}),
        ("signal", "gopher_repetition", {"python-unicode", "budoux"}),
        ("signal", "c4", {"python-unicode", "budoux"}),                                 # its Thai model
        ("signal", "fineweb", {"python-unicode", "budoux"}),
        ("editor", "pii", {"python-unicode"}),                                          # digits and letters
        ("body", "shingle", {"python-unicode"}),
        ("tokenizer", "pin", {"tokenizers"}),
        ("tokenizer", "train", {"tokenizers"}),
        ("body", "tokenize", {"tokenizers"}),                                           # the others are compared with it
        ("body", "score_quality", {"fasttext-numpy2-wheel", "pyarrow", "python-unicode"}),
    ],
)
def test_an_operator_names_what_decides_its_output(kind, name, providers):
    operators.load()
    found = [p.split("==") for p in identity(lookup(kind, name)())["provider"]]
    assert {p for p, _ in found} == providers and all(release != "absent" for _, release in found)
