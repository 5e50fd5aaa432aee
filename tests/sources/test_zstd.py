import pytest
import zstandard
from bad_files import outcome, page, read, record, warc_dictionary

from corpus.sources.jsonl import JsonLines
from corpus.sources.warc import Warc

FOUR = [record(i) for i in range(4)]
SAMPLES = [record(i) for i in range(400)]
LINES = b"".join(b'{"text": "line %d"}\n' % i for i in range(1000))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_a_dictionary_at_the_beginning_is_used_whether_it_is_compressed_or_not(tmp_path, packed, trained):
    raw = zstandard.train_dictionary(4096, SAMPLES).as_bytes() if trained else b"".join(FOUR)
    compressor = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(raw))
    data = warc_dictionary(raw, packed=packed) + b"".join(compressor.compress(r) for r in FOUR)
    rows = read(Warc(), tmp_path / "a.warc.zst", data)
    assert outcome(rows) == ["0", "1", "2", "3"] and [row["payload"] for row in rows] == [page(i) for i in range(4)]


def test_a_dictionary_that_is_missing_or_broken_is_named_for_each_record(tmp_path):
    raw = zstandard.train_dictionary(4096, SAMPLES).as_bytes()
    compressor = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(raw))
    records = b"".join(compressor.compress(r) for r in FOUR)
    assert outcome(read(Warc(), tmp_path / "a.warc.zst", records))[0] == ":missing_dictionary"
    broken = warc_dictionary(raw, packed=True)
    broken = broken[:20] + b"\xff" * 20 + broken[40:]
    assert ":missing_dictionary" in outcome(read(Warc(), tmp_path / "b.warc.zst", broken + records))


def test_a_dictionary_that_inflates_beyond_bounds_is_not_inflated(tmp_path):
    head = warc_dictionary(bytes(500 << 20), packed=True)
    rows = read(Warc(), tmp_path / "a.warc.zst", head + zstandard.compress(FOUR[0]))
    assert outcome(rows) == ["0"]


def test_frames_and_skippable_frames_follow_one_another(tmp_path):
    skippable = b"\x50\x2a\x4d\x18\x05\x00\x00\x00hello"
    parts = [zstandard.compress(LINES[i : i + 777]) for i in range(0, len(LINES), 777)]
    rows = read(JsonLines(), tmp_path / "a.jsonl.zst", skippable.join(parts))
    assert len(rows) == 1000 and all(row["problem"] is None for row in rows)


def test_a_window_of_128_mebibytes_is_read_and_a_larger_one_is_named(tmp_path):
    for window, expected in ((27, [None] * 1000), (28, ["window_too_large"])):
        options = zstandard.ZstdCompressionParameters(window_log=window, write_content_size=False)
        writer = zstandard.ZstdCompressor(compression_params=options).compressobj()
        data = writer.compress(LINES) + writer.flush()
        assert [row["problem"] for row in read(JsonLines(), tmp_path / "a.jsonl.zst", data)] == expected
