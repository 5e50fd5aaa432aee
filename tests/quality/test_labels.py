import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import ConfigError
from corpus.quality.labels import Fields, Scale, read
from corpus.quality.prepare import Preparation

FIELDS = Fields()


@pytest.fixture
def labelled(tmp_path):
    def of(*records, fields=FIELDS):
        given = [r if isinstance(r, (bytes, str)) else json.dumps(r).encode() for r in records]
        return read(given, fields, Preparation(), tmp_path / "spool")

    return of


def pairs(found, of):
    return sorted(zip(found.lines(of.rows), of.labels.tolist()))


def test_whole_numbers_are_labels_however_they_are_written(labelled):
    found = labelled({"text": "A", "label": 3}, {"text": "b", "label": "-1"}, {"text": "c", "label": 5.0})
    (of,) = found.examples
    assert (of.dimension, of.kind, of.names) == ("quality", "ordinal", ["-1", "3", "5"])
    assert pairs(found, of) == [("a", "3"), ("b", "-1"), ("c", "5")]


def test_whatever_gives_no_label_has_a_reason(labelled):
    found = labelled({"text": "ok", "label": 1}, {"text": "ok too", "label": 0}, b"{broken", b"[1]", b"  ",
                     {"label": 2}, {"text": 7, "label": 2}, {"text": " \n", "label": 2}, {"text": "x"},
                     {"text": "x", "label": None}, {"text": "x", "label": 2.5}, {"text": "x", "label": 6},
                     {"text": "x", "label": -2}, {"text": "x", "label": "good"}, {"text": "x", "label": [1]}, "damaged_span")
    (of,) = found.examples
    assert found.records == 15 and len(of.rows) == 2
    assert found.left_out == {"not_json": 1, "no_text": 3, "empty_text": 1, "no_label": 2, "damaged_span": 1}
    assert of.left_out == {"label_not_a_whole_number": 3, "label_off_the_scale": 2}
    assert found.left_out.total() + of.left_out.total() + len(of.rows) == found.records


def test_words_are_labels_and_fasttexts_prefix_is_taken_off(labelled):
    found = labelled({"text": "a", "label": "safe"}, {"text": "b", "label": "__label__unsafe"}, {"text": "c", "label": True},
                     {"text": "d", "label": "two words"}, {"text": "e", "label": 3}, {"text": "f", "label": "x\x00y"},
                     fields=Fields(dimensions=("safety",)))
    (of,) = found.examples
    assert (of.dimension, of.kind, of.names) == ("safety", "words", ["safe", "true", "unsafe"])
    assert of.left_out == {"label_not_a_word": 3}


def test_an_object_of_labels_is_one_dimension_a_member(labelled):
    records = [{"text": "a", "label": {"quality": 3, "advertisement": 5}}, {"text": "b", "label": {"quality": 1}},
               {"text": "c", "label": {"../x": 1}}, {"text": "d", "label": {"other": 1}}]
    found = labelled(*records)
    assert [(of.dimension, len(of.rows)) for of in found.examples] == [("advertisement", 1), ("other", 1), ("quality", 2)]
    assert found.left_out == {"bad_dimension_name": 1}
    chosen = labelled(*records, fields=Fields(dimensions=("quality",)))
    assert [of.dimension for of in chosen.examples] == ["quality"] and chosen.left_out == {"no_label": 2}


def test_equal_texts_count_once_and_those_in_dispute_not_at_all(labelled):
    found = labelled({"text": "Same  text", "label": 1}, {"text": "same text", "label": 1}, {"text": "other", "label": 1},
                     {"text": "both", "label": 0}, {"text": "BOTH", "label": 4}, {"text": "both ", "label": 0})
    (of,) = found.examples
    assert pairs(found, of) == [("other", "1"), ("same text", "1")]
    assert of.left_out == {"repeated_text": 1, "conflicting_labels": 3}


def test_a_scale_of_ones_own(labelled):
    found = labelled({"text": "a", "label": 9}, {"text": "b", "label": 0}, fields=Fields(scale=Scale(1, 10)))
    assert found.examples[0].names == ["9"] and found.examples[0].left_out == {"label_off_the_scale": 1}
    with pytest.raises(ConfigError, match="scale"):
        Scale(5, -1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["text", "label", "quality", "é"]), inner, max_size=3), max_leaves=6)), max_size=8))
def test_every_record_is_used_or_has_a_reason(tmp_path_factory, records):
    spool = tmp_path_factory.getbasetemp() / "fuzz"
    given = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    found = read(given, Fields(dimensions=("quality",)), Preparation(), spool)
    used = sum(len(of.rows) + of.left_out.total() for of in found.examples)
    assert found.records == sum(bool(line.strip()) for line in given) == found.left_out.total() + used
    assert pa.array(list(found.lines(range(len(found.ids))))).null_count == 0
