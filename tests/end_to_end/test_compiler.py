"""What a build file may ask of the mixture compiler, through a whole build each: schedules, caps, what was read before,
other tokenizers, packing, and a holdout.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from compiled import Line, records

from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.mixture.holdouts import registered, texts_of
from corpus.store import Store


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """One folder for builds that do not get in each other's way: what stays the same is made once."""
    return Line(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def own(tmp_path):
    return Line(tmp_path)


def tokens_of(rows) -> Counter:
    return Counter(dict(zip(rows.column("id").to_pylist(), rows.column("length").to_pylist())))


def test_a_schedule_has_shards_of_its_own_for_each_phase_and_holds_its_shares(line):
    phases = [
        {"tokens": 6_000, "weights": {"a": 0.9, "b": 0.1}},
        {"tokens": 6_000, "weights": {"a": 0.2, "b": 0.8}, "ramp_tokens": 3_000},
    ]
    built = line.build(name="phases", mixture={"schedule": phases})
    receipt, rows = built.receipt, built.sidecar()
    longest = max(rows.column("length").to_pylist())
    assert sum(p["target_tokens"] for p in receipt["phases"]) == 12_000 and len(receipt["phases"]) >= 3
    assert [p["first_shard"] for p in receipt["phases"]] == [0, *(
        p["first_shard"] + p["shards"] for p in receipt["phases"][:-1])]
    for cell in receipt["cells"]:
        assert abs(cell["residue_tokens"]) <= longest
    by_phase = {p["phase"]: range(p["first_shard"], p["first_shard"] + p["shards"]) for p in receipt["phases"]}
    assert all(shard in by_phase[phase] for shard, phase in zip(
        rows.column("shard").to_pylist(), rows.column("phase").to_pylist()))
    share = {p: {c["cell"]: c["weight"] for c in receipt["cells"] if c["phase"] == p} for p in by_phase}
    assert share[0] == {"a": 0.9, "b": 0.1} and share[max(by_phase)] == {"a": 0.2, "b": 0.8}
    between = [share[p]["a"] for p in sorted(by_phase)]
    assert between == sorted(between, reverse=True)             # the ramp goes down step by step
    assert len(built.documents()) == rows.num_rows              # one epoch: a phase draws what those before it did not


def test_no_host_has_more_than_its_cap(line):
    free = line.build()
    by_host: Counter = Counter()
    for url, length in zip(*(free.sidecar().column(c).to_pylist() for c in ("url", "length"))):
        by_host[url.split("/")[2]] += length
    assert by_host["host0.example"] > 0.4 * 12_000
    built = line.build(name="capped", mixture={"caps": [{"attribute": "host", "high": 0.3}]})
    capped: Counter = Counter()
    for url, length in zip(*(built.sidecar().column(c).to_pylist() for c in ("url", "length"))):
        capped[url.split("/")[2]] += length
    assert max(capped.values()) <= 0.3 * 12_000
    told = {c["value"]: c for c in built.receipt["caps"]}
    assert told["host0.example"]["tokens_drawn"] == capped["host0.example"]
    assert abs(built.receipt["total"]["tokens"] - 12_000) <= 2 * max(built.sidecar().column("length").to_pylist())


def test_what_was_read_comes_again_only_when_nothing_unseen_is_left(line):
    first = line.build(name="before", mixture={"budget_tokens": 9_000})
    receipt = first.folder / "receipt.json"
    read = [r["shard"] for r in first.receipt["shards"] if r["format"] == "index"][:2]
    tokens = sum(r["tokens"] for r in first.receipt["shards"] if r["format"] == "index" and r["shard"] in read)
    rows = first.sidecar()
    seen = {i for i, shard in zip(rows.column("id").to_pylist(), rows.column("shard").to_pylist()) if shard in read}
    after = {"receipt": str(receipt), "tokens": tokens}
    second = line.build(name="after", mixture={"budget_tokens": 9_000, "after": after})
    assert len(seen) > 5 and not seen & {i for i, _ in second.documents()}
    assert second.receipt["after"]["tokens"] == tokens
    longer = line.build(name="longer", mixture={"budget_tokens": 30_000, "max_epochs": 2, "after": after})
    again = {i for i, copy in longer.documents() if i in seen}
    assert again and all(copy >= 1 for i, copy in longer.documents() if i in seen)


def test_another_tokenizer_has_the_same_draw(line):
    first = line.build()
    second = line.build(name="other", retokenize={"use": "train", "vocab_size": 600})
    assert second.documents() == first.documents()
    a, b = (built.sidecar() for built in (first, second))
    assert a.column("shard").to_pylist() == b.column("shard").to_pylist()
    assert a.column("id").to_pylist() == b.column("id").to_pylist()
    assert sum(b.column("length").to_pylist()) > sum(a.column("length").to_pylist())       # 600 entries say less each
    assert second.receipt["tokenizer"]["digest"] != first.receipt["tokenizer"]["digest"]
    assert second.receipt["draw_tokenizer"]["digest"] == first.receipt["tokenizer"]["digest"]
    assert all("retokenized" in cell for cell in second.receipt["cells"])


@pytest.mark.parametrize("use", ["concatenate", "best_fit"])
def test_packed_sequences_are_full_and_every_token_is_there_or_counted(line, use):
    built = line.build(name=use, pack={"use": use, "length": 256}, shards=["megatron"])
    rows = built.sidecar()
    lengths: Counter = Counter()
    for shard, sequence, length in zip(*(rows.column(c).to_pylist() for c in ("shard", "sequence", "length"))):
        lengths[shard, sequence] += length
    pack = built.receipt["pack"]
    assert max(lengths.values()) <= 256 and (use == "best_fit" or set(lengths.values()) == {256})
    assert sum(lengths.values()) + pack["cut_tokens"] == built.receipt["total"]["tokens"]
    assert pack["sequences"] == len(lengths) and (pack["cut_tokens"] > 0) == (use == "concatenate")


def test_a_holdout_is_the_validation_file_and_stays_out_of_every_other_build_of_the_store(own):
    holdout = {"name": "val", "tokens": 1_500}
    built = own.build(mixture={"holdout": holdout}, shards=["nanochat", "climbmix"])
    assert "out of date" not in (built.folder / "report.html").read_text()
    store = Store(str(own.folder / "store"))
    entry = registered(store, "val")
    texts = [t for rows in texts_of(store, entry) for t in rows.column("text").to_pylist()]
    held = {show_id(i) for rows in texts_of(store, entry) for i in rows.column("id").to_pylist()}
    assert abs(entry["tokens"] - 1_500) < 600 and len(held) > 1
    files = sorted((built.folder / "shards/nanochat").glob("*.parquet"))
    assert len(files) == built.receipt["shard_count"] + 1
    assert pq.read_table(files[-1]).column("text").to_pylist() == texts
    assert not held & {i for i, _ in built.documents()}
    assert [h["name"] for h in built.receipt["holdout"]] == ["val"]
    apart = pq.read_table(next((built.folder / "holdout-val/climbmix").glob("*.parquet")))    # no place for it among shards
    assert set(apart.column("id").to_pylist()) == held and sum(apart.column("token_count").to_pylist()) == entry["tokens"]

    words = [text.split() for text in texts]
    copies = [{"id": f"copy{i}", "url": f"https://copy.example/{i}", "text": " ".join(w)} for i, w in enumerate(words)]
    nearly = [{"id": f"near{i}", "url": f"https://near.example/{i}", "text": " ".join([*w[:-1], "otherwise", "now"])}
              for i, w in enumerate(words)]
    own.write("c", [*copies, *nearly, *records(40, skip=60)])
    sources = [{"name": "c", "files": "c.jsonl", "reader": {"use": "jsonl", "id": "id"}, "shard_records": 24}]
    later = own.build(name="later", sources=sources, mixture={"budget_tokens": 5_000})
    urls = set(later.sidecar().column("url").to_pylist())
    assert len(urls) > 5 and not any("copy.example" in url or "near.example" in url for url in urls)


def test_a_crawl_that_grows_by_near_duplicates_leaves_the_holdout_as_it_was(own):
    own.build(mixture={"holdout": {"name": "val", "tokens": 1_500}})
    store = Store(str(own.folder / "store"))
    before = registered(store, "val")
    texts = [t for rows in texts_of(store, before) for t in rows.column("text").to_pylist()]
    longer = [{"id": f"long{i}", "url": f"https://long.example/{i}", "text": f"{t} And a few words more."}
              for i, t in enumerate(texts)]
    own.write("b", [*records(40, skip=60), *longer])
    grown = own.build(mixture={"holdout": {"name": "val", "tokens": 1_500}, "budget_tokens": 20_000})
    assert registered(store, "val") == before
    assert not any("long.example" in url for url in grown.sidecar().column("url").to_pylist())
    with pytest.raises(ConfigError, match="2,000, but build 'mix' drew the holdout 'val' with 1,500"):
        own.build(mixture={"holdout": {"name": "val", "tokens": 2_000}})


def test_licences_are_measured_cut_and_counted(own):
    rows = [record | ({"license": said} if said else {}) for record, said in zip(
        records(60), ["CC-BY-4.0", "CC BY-NC 4.0", None, "Public Domain", "MIT OR GPL-3.0-only", "CC-BY-SA-4.0"] * 10)]
    own.write("a", rows)
    sources = [source | {"reader": {"use": "jsonl", "id": "id", "fields": ["license"]}} for source in own.file["sources"]]
    licensed = own.file["filter"] | {"licence": "permissive"}
    mixture = {"budget_tokens": 4_000, "weights": {"a": 1.0}}
    built = own.build(sources=sources[:1], filter=licensed, mixture=mixture)
    urls = {int(url.rpartition("/")[2]) for url in built.sidecar().column("url").to_pylist()}
    assert urls and {i % 6 for i in urls} <= {0, 3, 4}
    (step,) = [json.loads(p.read_text()) for p in Path(own.folder, "store/steps").rglob("*.json")
               if json.loads(p.read_text())["step"] == "filter"]
    assert (step["counts"]["licence_not_allowed"], step["counts"]["licence_unknown"]) == (20, 10)
    wider = licensed | {"licence": {"admit": ["permissive", "share-alike"]}}
    assert {i % 6 for i in (int(u.rpartition("/")[2]) for u in own.build(
        name="wider", sources=sources[:1], filter=wider, mixture=mixture | {"budget_tokens": 9_000}
    ).sidecar().column("url").to_pylist())} == {0, 3, 4, 5}
