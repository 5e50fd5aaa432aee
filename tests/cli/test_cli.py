"""The command as a person meets it: on their own files, from `init` to `verify`, with real exit codes and messages."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
CORPUS = [sys.executable, "-m", "pipelines.cli.main"]


def corpus(*words, cwd=ROOT, code=0):
    """Runs the command; returns (stdout, stderr) and asserts its exit code."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([*CORPUS, *map(str, words)], capture_output=True, text=True, cwd=cwd, env=env)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def records(n):
    """n real textbook passages of about 1,500 characters."""
    with gzip.open(ROOT / "configs/quickstart/openstax_ccby_sample.jsonl.gz", "rt") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    long = [t for t in texts if len(t) > 8000][:n]
    return [{"id": f"doc-{i}", "url": f"https://example.org/{i}", "text": t[2000:3500]} for i, t in enumerate(long)]


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder with the user's own JSONL and Parquet, a build file made by `init`, and the finished build."""
    folder = tmp_path_factory.mktemp("mine")
    rows = records(60)
    evil = {
        "id": "evil",
        "url": "https://example.org/<script>alert(1)</script>\x1b[31m",
        "text": "=HYPERLINK(1)\x1b[2J <script>x</script> "
        + rows[0]["text"][700:]
        + " and then it ended in a way of its own.",
    }
    lines = [json.dumps(r) for r in [*rows[:40], evil]] + ["{not json", json.dumps({"id": "no-text"})]
    (folder / "notes.jsonl").write_text("\n".join(lines) + "\n")
    pq.write_table(
        pa.Table.from_pylist([{"content": r["text"], "url": r["url"]} for r in rows[40:]]), folder / "pages.parquet"
    )
    corpus("init", "notes.jsonl", "pages.parquet", cwd=folder)
    out, err = corpus("build", "build.yaml", "--workers", "2", cwd=folder)
    return folder, out, err


def test_init_writes_a_file_that_says_what_its_keys_mean(mine):
    text = (mine[0] / "build.yaml").read_text()
    assert "notes.jsonl" in text and 'text: "content"' in text and text.count("#") > 10


def test_init_does_not_write_over_a_file(mine):
    _, err = corpus("init", "notes.jsonl", cwd=mine[0], code=2)
    assert "build.yaml is already there" in err


def test_init_names_what_it_cannot_read(mine):
    assert "no file at nope.jsonl" in corpus("init", "nope.jsonl", "--out", "x.yaml", cwd=mine[0], code=2)[1]
    (mine[0] / "notes.docx").write_text("")
    assert "notes.docx" in corpus("init", "notes.docx", "--out", "x.yaml", cwd=mine[0], code=2)[1]


def test_build_ends_by_saying_where_things_are(mine):
    folder, out, err = mine
    for format_ in ("climbmix", "nanochat", "megatron"):
        assert f"shards/{format_}/" in out and list((folder / f".corpus/builds/build/shards/{format_}").iterdir())
    assert "receipt.json" in out and "report.html" in out and "next: corpus" in out
    assert "embed" in err and "docs" not in out


def test_a_second_build_does_nothing_and_says_so(mine):
    out, _ = corpus("build", "build.yaml", cwd=mine[0])
    assert "nothing to do" in out


def test_json_is_json_and_nothing_else(mine):
    out, err = corpus("build", "build.yaml", "--json", cwd=mine[0])
    found = json.loads(out)
    assert found["made"] == 0 and len(found["receipt"]) == 32 and err == ""
    for verb in (("plan",), ("status",), ("show",), ("shards", "verify")):
        json.loads(corpus(*verb, "build.yaml", "--json", cwd=mine[0])[0])


def test_every_record_has_a_verdict_and_bad_lines_their_reason(mine):
    found = json.loads(corpus("show", "build.yaml", "--json", cwd=mine[0])[0])
    assert found["funnel"][0]["left"] == 63
    assert dict(found["funnel"][1]["reasons"]) == {"no_text": 1, "not_json": 1}


def test_explain_by_address_and_by_id(mine):
    story = json.loads(corpus("explain", "build.yaml", "https://example.org/3", "--json", cwd=mine[0])[0])[0]
    assert story["verdict"] == "kept" and story["cell"].endswith("/notes")
    again = json.loads(corpus("explain", "build.yaml", story["id"], "--json", cwd=mine[0])[0])[0]
    assert again == story
    assert "no record" in corpus("explain", "build.yaml", "https://example.org/none", cwd=mine[0], code=2)[1]


def test_escapes_of_a_page_never_reach_the_terminal(mine):
    out, _ = corpus("explain", "build.yaml", "https://example.org/<script>alert(1)</script>\x1b[31m", cwd=mine[0])
    assert "\x1b" not in out and "<script>alert(1)" in out
    assert "\x1b" not in corpus("show", "build.yaml", "extract", cwd=mine[0])[0]
    page = (mine[0] / ".corpus/builds/build/report.html").read_text()
    assert "<script>alert(1)" not in page and "\x1b" not in page


def test_plan_says_which_field_changed(mine):
    text = (mine[0] / "build.yaml").read_text()
    (mine[0] / "changed.yaml").write_text(text.replace("threshold: 0.8", "threshold: 0.7"))
    out, _ = corpus("plan", "changed.yaml", cwd=mine[0])
    assert "0.8 → 0.7" in out and "depends on dedup.verify" in out


def test_a_flipped_bit_is_named(mine):
    folder = mine[0]
    path = next((folder / ".corpus/builds/build/shards/megatron").glob("*.bin"))
    held = path.read_bytes()
    path.unlink()  # a link to the store's copy: break it, do not write through it
    path.write_bytes(held[:10] + bytes([held[10] ^ 1]) + held[11:])
    out, _ = corpus("shards", "verify", "build.yaml", cwd=folder, code=1)
    assert path.name in out
    path.write_bytes(held)
    assert "verified" in corpus("shards", "verify", "build.yaml", cwd=folder)[0]


def test_shards_write_takes_a_given_mixture(mine):
    folder = mine[0]
    cells = {
        c["cell"]: c["available"]["tokens"]
        for c in json.loads(corpus("show", "build.yaml", "--json", cwd=folder)[0])["cells"]
    }
    first, second = sorted(cells, key=cells.get)[-2:]
    (folder / "w.json").write_text(json.dumps({first: 0.5, second: 0.5}))
    out, _ = corpus(
        "shards", "write", "build.yaml", "--weights", "w.json", "--budget", 2000, "--to", "elsewhere", "--json", cwd=folder
    )
    receipt = json.loads((folder / "elsewhere/receipt.json").read_text())
    drawn = {c["cell"]: c["drawn"]["tokens"] for c in receipt["cells"] if c["drawn"]["tokens"]}
    assert set(drawn) == {first, second} and receipt["digest"] == json.loads(out)["receipt"]
    again = corpus(
        "shards", "write", "build.yaml", "--weights", "w.json", "--budget", 2000, "--to", "elsewhere", "--json", cwd=folder
    )[0]
    assert json.loads(again)["made"] == 0 and (folder / "elsewhere/receipt.json").exists()
    (folder / "w.json").write_text(json.dumps({"no/such": 1.0}))
    assert "no/such" in corpus("shards", "write", "build.yaml", "--weights", "w.json", cwd=folder, code=2)[1]
    corpus("build", "build.yaml", cwd=folder)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--weights", "."), "error: --weights: . is a folder"),
        (("--to", "/dev/null/x"), "error: --to /dev/null/x: cannot be written"),
        (("--to", ".corpus"), "error: --to .corpus: lies in the store"),
        (("--to", ".corpus/builds/build"), "lies in the store"),
        (("--on", "."), "error: .: cannot be read"),
        (("--on", "inline", "--workers", "2"), "--workers: the engine 'inline' has none"),
    ],
)
def test_shards_write_says_what_is_wrong_before_it_works(mine, words, message):
    before = (mine[0] / ".corpus/builds/build/receipt.json").read_bytes()
    out, err = corpus("shards", "write", "build.yaml", "--budget", 777, *words, cwd=mine[0], code=2)
    assert message in err and out == ""
    assert (mine[0] / ".corpus/builds/build/receipt.json").read_bytes() == before


def test_status_reads_past_a_line_that_a_kill_cut(mine):
    events = mine[0] / ".corpus/builds/build/events.jsonl"
    with open(events, "a") as stream:
        stream.write('{"event": "ta')
    found = json.loads(corpus("status", "build.yaml", "--json", cwd=mine[0])[0])
    assert found["last_event"]["event"] == "end"
    with open(events, "a") as stream:
        stream.write("\n")


def test_wrong_calls_exit_2_before_any_work(mine, tmp_path):
    folder = mine[0]
    assert "Did you mean 'build'" in corpus("bild", "build.yaml", cwd=folder, code=2)[1]
    assert (
        "'local'" in corpus("build", "build.yaml", "--on", "e.yaml", cwd=_with(folder, "e.yaml", "engine: lokal"), code=2)[1]
    )
    assert (
        "workerz"
        in corpus("build", "build.yaml", "--on", "e.yaml", cwd=_with(folder, "e.yaml", "engine: local\nworkerz: 2"), code=2)[
            1
        ]
    )
    assert "none.yaml" in corpus("build", "build.yaml", "--on", "none.yaml", cwd=folder, code=2)[1]
    text = (folder / "build.yaml").read_text()
    _with(folder, "gone.yaml", text.replace("notes.jsonl", "gone.jsonl"))
    assert "gone.yaml: sources[0].files: no file at gone.jsonl" in corpus("build", "gone.yaml", cwd=folder, code=2)[1]
    (folder / "file").write_text("")
    _with(folder, "store.yaml", text.replace("store: .corpus", "store: file/inside"))
    assert "cannot be written" in corpus("build", "store.yaml", cwd=folder, code=2)[1]
    assert not (folder / "file").is_dir()


def test_doctor_finds_what_is_gone(mine):
    folder = mine[0]
    assert "all there and unchanged" in corpus("doctor", "build.yaml", "--deep", cwd=folder)[0]


def test_recommend_from_a_table_of_runs():
    data = ROOT / "tests/data/regmix"
    out, _ = corpus(
        "mix", "recommend", data / "train_mixture_1m.csv", "--metrics", data / "train_pile_loss_1m.csv", "--json"
    )
    found = json.loads(out)
    assert abs(sum(found["weights"].values()) - 1) < 1e-6 and found["runs"] == 512


def _with(folder, name, text):
    (folder / name).write_text(text)
    return folder
