import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graded import lines, texts

from corpus import chance
from corpus.errors import UserError
from corpus.keys import digest_folder
from corpus.quality.labels import Fields, read
from corpus.quality.prepare import Preparation
from corpus.quality.train import Options, check, train

OPTIONS = Options(epochs=10, learning_rate=0.5, dim=8, buckets=2000, held_out=0.3)


def trained(folder: Path, records, options=OPTIONS):
    folder.mkdir(parents=True)
    found = read(records, Fields(), Preparation(), folder.parent / f"{folder.name}.spool")
    check(found, options)
    return train(found, found.examples[0], options, Preparation(), folder)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("model") / "model", lines(texts(1400)))


def test_graded_texts_are_graded_on_texts_that_were_held_out(card):
    held = card["held_out"]
    assert card["labels"] == ["-1", "0", "1", "2", "3", "4", "5"] and card["kind"] == "ordinal"
    assert held["documents"] == card["counts"]["held_out"] == sum(map(sum, held["confusion"]))
    assert sum(card["counts"]["trained_on"].values()) + held["documents"] == 1400 and 0.25 < held["documents"] / 1400 < 0.35
    assert held["mean_absolute_error"] < 0.3 and held["quadratic_kappa"] > 0.9 and held["accuracy"] > 0.8


def test_calibration_is_measured_on_texts_that_it_was_not_fitted_on(card):
    found = card["calibration"]
    assert found["fitted_on"] + found["measured_on"] == card["counts"]["held_out"]
    assert found["after"]["log_loss"] < found["before"]["log_loss"]
    assert sum(b["documents"] for b in found["after"]["bins"]) == found["measured_on"]


def test_two_trainings_are_equal_to_the_byte_whatever_the_order_and_the_process(tmp_path: Path):
    records = lines(texts(300))
    trained(tmp_path / "a", records)
    trained(tmp_path / "b", records[::-1])
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_train as t
t.trained(t.Path({str(tmp_path / 'c')!r}), t.lines(t.texts(300)))"""
    environment = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert digest_folder(tmp_path / "a") == digest_folder(tmp_path / "b") == digest_folder(tmp_path / "c")


@pytest.mark.parametrize("balance", [False, True])
def test_a_seed_changes_the_split_and_the_order_of_records_does_not(tmp_path: Path, balance: bool):
    records = [r for i, r in enumerate(lines(texts(300))) if i % 7 or i % 3 == 0]
    options = Options(**vars(OPTIONS) | {"balance": balance})
    one = trained(tmp_path / "a", records, options)
    other = trained(tmp_path / "b", records[::-1], options)
    again = trained(tmp_path / "c", records, Options(**vars(options) | {"seed": 1}))
    assert one == other and digest_folder(tmp_path / "a") == digest_folder(tmp_path / "b")
    assert one["counts"]["trained_on"] != again["counts"]["trained_on"]


def test_a_text_and_its_copy_in_other_spelling_are_on_one_side(tmp_path: Path):
    pairs = texts(200)
    found = read(lines(pairs + [(t.upper(), y) for t, y in pairs]), Fields(), Preparation(), tmp_path / "spool")
    assert found.examples[0].left_out == {"repeated_text": 200}
    draws = chance.uniform(0, "quality-held-out", found.ids)
    assert (draws[:200] == draws[200:]).all()


def test_balance_finds_more_of_a_rare_label(tmp_path: Path):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(60)]
    pairs = []
    for i in range(1200):
        rare = i % 20 == 0
        place = rng.normal(38 if rare else 30, 12, 12).clip(0, 59).astype(int)
        pairs.append((" ".join(words[p] for p in place), "unsafe" if rare else "safe"))
    options = Options(**vars(OPTIONS) | {"epochs": 5, "word_ngrams": 1})
    plain = trained(tmp_path / "a", lines(pairs), options)
    even = trained(tmp_path / "b", lines(pairs), Options(**vars(options) | {"balance": True}))
    recall = [card["held_out"]["labels"]["unsafe"]["recall"] for card in (plain, even)]
    assert recall[1] > recall[0] + 0.2 and plain["counts"]["trained_on"] == even["counts"]["trained_on"]


@pytest.mark.parametrize("records, said", [
    ([], "the files are empty"),
    ([b"nope"], "no labelled text: not_json 1"),
    (lines(texts(10)), "expected 20 or more"),
    (lines(texts(100, labels=[3])), "expected two labels or more"),
    (lines([(t, f"u{i}") for i, (t, _) in enumerate(texts(300))]), "expected at most 100"),
])
def test_too_little_to_train_on_is_one_clear_message(tmp_path: Path, records, said):
    found = read(records, Fields(), Preparation(), tmp_path / "spool")
    with pytest.raises(UserError, match=said):
        check(found, OPTIONS)


def test_a_label_that_is_only_held_out_counts_against_the_model(tmp_path: Path):
    pairs = [(f"{t} n{i}", y) for i, (t, y) in enumerate(texts(200, labels=(1, 4)))]
    for i in range(1000):
        rare = (f"lonely {i}", 5)
        found = read(lines([*pairs, rare]), Fields(), Preparation(), tmp_path / "spool")
        if chance.uniform(0, "quality-held-out", found.ids[-1:])[0] < OPTIONS.held_out:
            break
    card = trained(tmp_path / "m", lines([*pairs, rare]))
    assert card["labels"] == ["1", "4"] and card["held_out"]["labels"]["5"]["recall"] == 0.0
    assert card["calibration"]["fitted_on"] + card["calibration"]["measured_on"] == card["counts"]["held_out"] - 1
    json.dumps(card, allow_nan=False)
