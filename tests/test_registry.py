import dataclasses
import importlib.metadata
import unicodedata
from dataclasses import dataclass

import pytest

from corpus import keys
from corpus.errors import UnknownName
from corpus.registry import asset, identity, lookup, names, register, runtime


@register("shape", "testing.circle", version=3)
@dataclass(frozen=True)
class Circle:
    radius: float = 1.0
    label: str = "o"
    batch_size: int = runtime(64)


@register("shape", "testing.words", provider=("numpy", "no-such-distribution"))
@dataclass(frozen=True)
class Words:
    path: str | None = asset()
    inner: tuple[Circle, ...] = ()


@register("shape", "testing.letters", provider="python-unicode")
@dataclass(frozen=True)
class Letters:
    n: int = 1


@dataclass(frozen=True)
class Plain:
    low: float
    high: float | None = None


def test_identity_is_kind_name_version_and_declared_options():
    assert identity(Circle(2.0)) == {
        "operator": "shape/testing.circle", "version": 3, "options": {"radius": 2.0, "label": "o"}}


def test_runtime_fields_are_in_no_identity_and_make_no_difference():
    assert identity(Circle(batch_size=1)) == identity(Circle(batch_size=4096))
    assert Circle(batch_size=1) == Circle(batch_size=4096)


def test_each_declared_option_makes_a_difference():
    found = {keys.key_of(identity(op)) for op in (Circle(), Circle(2.0), Circle(label="x"), Circle(radius=1))}
    assert len(found) == 4          # 1 and 1.0 are spelled differently: the type is part of what was declared


def test_where_a_class_lives_makes_no_difference():
    namesake = dataclasses.make_dataclass("Circle", [("radius", float, 1.0), ("label", str, "o")], frozen=True)
    namesake.kind, namesake.name, namesake.version, namesake.provider = "shape", "testing.circle", 3, ()
    assert identity(namesake()) == identity(Circle())


def test_an_asset_counts_by_its_bytes_and_not_by_its_path(tmp_path):
    for name, data in (("a.txt", b"one"), ("b.txt", b"one"), ("c.txt", b"two")):
        (tmp_path / name).write_bytes(data)
    a, b, c = (identity(Words(str(tmp_path / n))) for n in ("a.txt", "b.txt", "c.txt"))
    assert a == b != c and a["options"]["path"] == keys.digest_bytes(b"one")
    assert identity(Words(None))["options"]["path"] is None


def test_an_asset_that_is_rewritten_counts_anew(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    before = identity(Words(str(path)))
    path.write_bytes(b"three")
    assert identity(Words(str(path))) != before


def test_the_release_of_a_provider_counts():
    numpy = importlib.metadata.version("numpy")
    assert identity(Words(None))["provider"] == [f"numpy=={numpy}", "no-such-distribution==absent"]


def test_the_interpreters_unicode_tables_count_as_a_provider():
    assert identity(Letters())["provider"] == [f"python-unicode=={unicodedata.unidata_version}"]


def test_operators_and_plain_values_inside_others_count():
    found = identity(Words(None, (Circle(5.0),)))["options"]["inner"]
    assert found == [identity(Circle(5.0))]
    assert identity({"a": Plain(0.5), 1: (Circle(),)}) == {"a": {"low": 0.5, "high": None}, "1": [identity(Circle())]}


def test_a_name_is_looked_up_and_a_near_miss_is_named():
    assert lookup("shape", "testing.circle") is Circle
    assert {"testing.circle", "testing.words"} <= set(names("shape"))
    with pytest.raises(UnknownName, match=r"^signals\[2\]: unknown shape 'testing.cirle'; did you mean 'testing.circle'\?$"):
        lookup("shape", "testing.cirle", "signals[2]")
    with pytest.raises(UnknownName, match="known: testing.circle, testing.letters, testing.words"):
        lookup("shape", "zzz")


def test_two_classes_cannot_have_one_name():
    with pytest.raises(ValueError, match="two operators claim the name shape 'testing.circle'"):
        register("shape", "testing.circle")(Plain)
    assert lookup("shape", "testing.circle") is Circle


def test_importing_a_module_twice_is_no_clash():
    again = dataclasses.make_dataclass("Circle", [("radius", float)], frozen=True)
    assert register("shape", "testing.circle", version=3)(again) is again
    register("shape", "testing.circle", version=3)(Circle)
