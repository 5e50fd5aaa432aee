"""What operators ask for is asked before any work starts: packages, and files of the form that they read."""

import pytest

from corpus.errors import UserError
from pipelines.build import plan_build, require
from pipelines.config.load import load_build


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ({"use": "language", "model": "build.yaml"}, ["filter.signals[0]", "not a fastText model"]),
        ({"use": "url", "lists": "empty"}, ["filter.signals[0].lists", "0 categories"]),
        ({"use": "url", "lists": "ut1", "categories": ["adlt"]}, ["filter.signals[0].categories", "'adlt'", "adult"]),
        ({"use": "datatrove", "filter": "NoSuchFilter"}, ["filter.signals[0].filter", "NoSuchFilter", "URLFilter"]),
        (
            {"use": "datatrove", "filter": "GopherQualityFilter", "options": {"nope": 1}},
            ["filter.signals[0].options", "nope"],
        ),
    ],
    ids=str,
)
def test_a_signal_that_cannot_work_is_said_with_its_place(write, tmp_path, signal, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "ut1" / "adult").mkdir(parents=True)
    (tmp_path / "ut1" / "adult" / "domains").write_text("bad.example\n")
    build = load_build(write(filter={"signals": [signal], "rules": []}))
    with pytest.raises(UserError) as found:
        require(build)
    for word in ("build.yaml", *words):
        assert word in str(found.value)
    assert not (tmp_path / "store").exists()


def test_a_plan_names_the_file_whose_options_are_wrong(write):
    build = load_build(write(dedup={"against": ["another"]}))
    with pytest.raises(UserError, match=r"build\.yaml: dedup\.against: 'another'"):
        plan_build(build)
