import os

import pytest
from blake3 import blake3

from corpus.errors import MissingFile
from corpus.sources.listing import check_source, list_files, pin, unchanged
from corpus.sources.warc import Warc


@pytest.fixture
def folder(tmp_path):
    for name in ("b.warc", "a.warc", "deep/c.warc", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def names(found, folder):
    return [os.path.relpath(f, folder) for f in found]


def test_patterns_are_expanded_from_the_build_files_folder_sorted_and_once(folder):
    assert names(list_files(["*.warc", "a.warc", "**/*.warc"], str(folder)), folder) == ["a.warc", "b.warc", "deep/c.warc"]
    assert names(list_files(["../b.warc"], str(folder / "deep")), folder) == ["b.warc"]


def test_absolute_paths_and_urls_are_taken_as_they_are(folder):
    assert list_files([str(folder / "a.warc")], "/nowhere") == [str(folder / "a.warc")]
    assert list_files([f"file://{folder}/a.warc"], "/nowhere") == [str(folder / "a.warc")]


def test_files_of_other_file_systems_keep_their_protocol():
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe("/listing/x.warc", b"x")
    assert list_files(["memory://listing/*.warc"], "/nowhere") == ["memory:///listing/x.warc"]
    assert list_files(["x.warc"], "memory://listing") == ["memory:///listing/x.warc"]
    assert pin("memory:///listing/x.warc").bytes == 1


@pytest.mark.parametrize("pattern", ["c.warc", "*.arc", "deep", "nowhere/*"])
def test_a_pattern_that_names_nothing_or_a_folder_is_an_error(folder, pattern):
    with pytest.raises(MissingFile, match="no file at"):
        list_files(["a.warc", pattern], str(folder))


def test_a_file_is_pinned_by_its_content(folder):
    pinned = pin(str(folder / "a.warc"))
    assert pinned.digest == blake3(b"a.warc").hexdigest(16) and pinned.bytes == 6
    with pytest.raises(MissingFile):
        pin(str(folder / "gone.warc"))


def test_a_pinned_file_is_unchanged_until_its_bytes_change(folder):
    path = folder / "a.warc"
    pinned = pin(str(path))
    os.utime(path, (1, 1))
    assert unchanged(pinned)
    for other in (b"b.warc", b"a.warcs", b""):
        path.write_bytes(other)
        assert not unchanged(pinned)


def test_a_reader_with_nothing_to_check_passes(folder):
    check_source(Warc(), [str(folder / "a.warc")], "sources[0]")
