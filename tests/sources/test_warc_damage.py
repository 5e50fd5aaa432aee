import gzip

import pytest
import zstandard
from bad_files import flipped, frames, members, outcome, page, read, record, response

from corpus.sources.warc import Warc

FOUR = [record(i) for i in range(4)]
WRITTEN = {"plain": b"".join, "gzip": lambda records: b"".join(members(records)),
           "zstd": lambda records: b"".join(frames(records)),
           "one gzip member": lambda records: gzip.compress(b"".join(records)),
           "one zstd frame": lambda records: zstandard.compress(b"".join(records)),
           "gzip blocks that ignore records": lambda records: b"".join(
               members([b"".join(records)[i : i + 100] for i in range(0, len(b"".join(records)), 100)]))}


def outcomes(tmp_path, data):
    return outcome(read(Warc(), tmp_path / "a.warc", data))


@pytest.mark.parametrize("how", WRITTEN)
def test_a_good_file_gives_its_records_however_it_is_compressed(tmp_path, how):
    rows = read(Warc(), tmp_path / "a.warc", WRITTEN[how](FOUR))
    assert outcome(rows) == ["0", "1", "2", "3"]
    assert [row["payload"] for row in rows] == [page(i) for i in range(4)]


def test_offsets_are_bytes_of_the_file_from_which_a_record_can_be_read_alone(tmp_path):
    data = WRITTEN["gzip"](FOUR)
    rows = read(Warc(), tmp_path / "a.warc.gz", data)
    assert gzip.decompress(data[rows[2]["offset"] : rows[3]["offset"]]) == FOUR[2]


@pytest.mark.parametrize("cut", [3, 20, 60, 150])
@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_a_file_cut_short_keeps_all_but_its_last_record(tmp_path, how, cut):
    rows = outcomes(tmp_path, WRITTEN[how](FOUR)[: -cut - 4 * (how == "plain")])
    assert rows[:3] == ["0", "1", "2"] and len(rows) == 4 and rows[3].endswith(":truncated_record")


def test_a_single_member_cut_short_keeps_the_records_before(tmp_path):
    rows = outcomes(tmp_path, gzip.compress(b"".join(FOUR))[:-20])
    assert rows[:2] == ["0", "1"] and rows[-1].endswith(":truncated_record")


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("length", [0, 50, 400, 700, 10**12, 10**17, 10**40, -5])
def test_a_record_that_lies_about_its_length_costs_no_other_record(tmp_path, how, length):
    data = WRITTEN[how]([FOUR[0], record(1, length=length), FOUR[2], FOUR[3]])
    assert outcomes(tmp_path, data) == ["0", "1:bad_length", "2", "3"]


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_a_record_without_a_length_costs_no_other_record(tmp_path, how):
    without = FOUR[1].replace(b"\r\nContent-Length", b"\r\nX-Length")
    assert outcomes(tmp_path, WRITTEN[how]([FOUR[0], without, FOUR[2]])) == ["0", "1:bad_length", "2"]


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_garbage_at_the_end_is_one_row(tmp_path, how):
    rows = read(Warc(), tmp_path / "a.warc", WRITTEN[how](FOUR) + b"garbage" * 20)
    assert outcome(rows) == ["0", "1", "2", "3", ":trailing_garbage"]
    assert rows[4]["offset"] == len(WRITTEN[how](FOUR))


def test_garbage_between_records_is_one_row(tmp_path):
    for how in ("plain", "gzip", "zstd"):
        data = WRITTEN[how](FOUR[:1]) + b"garbage" * 20 + WRITTEN[how](FOUR[1:])
        assert outcomes(tmp_path, data) == ["0", ":damaged_span", "1", "2", "3"]


def test_zero_padding_is_no_record(tmp_path):
    assert outcomes(tmp_path, WRITTEN["gzip"](FOUR) + bytes(3_000_000)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("at", [0, 60, -60, -6, -1])
def test_a_damaged_gzip_member_is_one_row_and_the_next_is_found(tmp_path, at):
    parts = members(FOUR)
    rows = outcomes(tmp_path, parts[0] + flipped(parts[1], at) + parts[2] + parts[3])
    assert [rows[0], *rows[2:]] == ["0", "2", "3"] and rows[1].endswith(":damaged_span")


def test_a_damaged_first_member_does_not_hide_the_file(tmp_path):
    parts = members(FOUR)
    assert outcomes(tmp_path, flipped(parts[0], 0) + b"".join(parts[1:])) == [":damaged_span", "1", "2", "3"]


def test_a_member_that_the_crawler_broke_off_does_not_hide_the_next(tmp_path):
    parts = members(FOUR)
    rows = outcomes(tmp_path, parts[0] + parts[1][:150] + parts[2] + parts[3])
    assert [rows[0], *rows[2:]] == ["0", "2", "3"] and rows[1].endswith(":damaged_span")


def test_a_damaged_zstd_frame_is_one_row_and_the_next_is_found(tmp_path):
    parts = frames(FOUR)
    rows = outcomes(tmp_path, parts[0] + flipped(parts[1], -2) + parts[2])
    assert rows == ["0", ":damaged_span", "2"]


def test_zstd_with_a_dictionary_in_its_first_frame_is_read(tmp_path):
    dictionary = zstandard.ZstdCompressionDict(b"".join(FOUR) * 4, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    raw = dictionary.as_bytes()
    head = b"\x5d\x2a\x4d\x18" + len(raw).to_bytes(4, "little") + raw
    assert outcomes(tmp_path, head + b"".join(compressor.compress(r) for r in FOUR)) == ["0", "1", "2", "3"]


def test_a_file_that_is_no_warc_is_one_row(tmp_path):
    assert outcomes(tmp_path, b"hello world\n" * 1000) == [":damaged_span"]
    assert outcomes(tmp_path, b"") == []


@pytest.mark.parametrize("how", ["plain", "gzip", "one gzip member"])
def test_a_page_of_twenty_megabytes_is_named_and_not_held(tmp_path, how):
    import resource

    big = record(1, response(b"<html>" + b"x" * 20_000_000, b"Content-Type: text/html"))
    (tmp_path / "a.warc").write_bytes(WRITTEN[how]([FOUR[0], big, FOUR[2]]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = read(Warc(max_record_bytes=1 << 20), tmp_path / "a.warc")
    assert outcome(rows) == ["0", "1:record_too_large", "2"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000   # KiB


def test_many_lies_in_one_file_take_linear_time(tmp_path):
    data = b"".join(record(i, length=9_000_000) for i in range(2000)) + FOUR[3]
    rows = outcomes(tmp_path, data)
    assert rows[-1] == "3" and len(rows) == 2001 and all(r.endswith(":bad_length") for r in rows[:-1])


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("length", [100_000, 2_000_000, 10**12])
def test_a_lie_over_the_limit_swallows_no_record_however_the_file_is_compressed(tmp_path, how, length):
    big = record(5, response(b"<html>" + bytes(range(256)) * 8000, b"Content-Type: text/html"))
    data = WRITTEN[how]([FOUR[0], record(1, length=length), FOUR[2], big, record(4, length=length), FOUR[3]])
    rows = outcome(read(Warc(max_record_bytes=1000), tmp_path / "a.warc", data))
    assert rows == ["0", "1:bad_length", "2", "5:record_too_large", "4:bad_length", "3"]


def test_lies_in_a_single_member_are_gone_over_again_within_a_budget(tmp_path, monkeypatch):
    monkeypatch.setattr("corpus.sources.window._AGAIN", 30_000_000)
    filler = [record(i, response(b"<html>" + b"x" * 1_000_000)) for i in range(10, 19)]
    data = gzip.compress(b"".join([record(i, length=10**12) for i in range(9)] + filler), 1)
    rows = outcome(read(Warc(max_record_bytes=2 << 20), tmp_path / "a.warc.gz", data))
    assert rows[:4] == ["0:bad_length", "1:bad_length", "2:bad_length", "3:bad_length"] and len(rows) == 4


@pytest.mark.parametrize("how", ["gzip", "one gzip member", "gzip blocks that ignore records"])
def test_what_inflates_a_file_changes_nothing(tmp_path, monkeypatch, how):
    pytest.importorskip("isal")
    good = WRITTEN[how]([*FOUR, record(4, response(bytes(20_000 if "blocks" in how else 5_000_000)))])
    for data in [good] + [flipped(good, at) for at in range(0, len(good), len(good) // 40)]:
        with_isal = read(Warc(), tmp_path / "a.warc.gz", data)
        with monkeypatch.context() as without:
            without.setattr("corpus.sources.members._isal", lambda: None)
            assert read(Warc(), tmp_path / "a.warc.gz", data) == with_isal
