"""The sides of `bench_text.py`: ours and its peers, each run in a process of its own.

    python tools/bench_text_sides.py SIDE '{"input": PATH, "warm_up": PATH, ...}'       (started by bench_text.py)

A side first works on a small input, so that imports, compiled code and models are there, and then on the one that counts.
Prints one JSON object: CPU seconds of this process and all under it, wall seconds, memory, and what the side found.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LANGUAGE, SURE = "en", 0.65

Side = Callable[..., dict[str, Any]]


def main() -> None:
    name, options = sys.argv[1], json.loads(sys.argv[2])
    with quiet():
        found = WHOLE[name](**options) if name in WHOLE else timed(name, **options)
    print(json.dumps(found))


def timed(name: str, warm_up: str, input: str, times: int = 1, **options: Any) -> dict[str, Any]:
    began, clock = cpu(), time.monotonic()
    SIDES[name](warm_up, **options)
    start, wait = cpu() - began, time.monotonic() - clock
    began, clock = cpu(), time.monotonic()
    for _ in range(times):
        found = SIDES[name](input, **options)
    found |= {"cpu": cpu() - began, "wall": time.monotonic() - clock, "start": start}
    if name == "line.dolma" or options.get("workers", 1) > 1:   # starts anew each time: next to no work is all start
        found["cpu"] -= start
        found["wall"] -= wait
    found["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["child_rss_mb"] = largest_below() or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What libraries print is no result."""
    kept = [os.dup(1), os.dup(2)]
    with open(os.devnull, "w") as nowhere:
        for at in (1, 2):
            os.dup2(nowhere.fileno(), at)
        try:
            yield
        finally:
            sys.stdout.flush()
            for at, one in zip((1, 2), kept):
                os.dup2(one, at)


def cpu() -> float:
    """CPU seconds so far of this process and all under it, ended or not."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage) + sum(below().values()) / os.sysconf("SC_CLK_TCK")


def below() -> dict[int, int]:
    """The processes that live under this one, with the clock ticks of each and of its own children that have ended."""
    under, stats = {os.getpid()}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                stats[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    while found := {pid for pid, (parent, _) in stats.items() if parent in under} - under:
        under |= found
    return {pid: stats[pid][1] for pid in under - {os.getpid()}}


def largest_below() -> float:
    """Peak RSS in MB of the largest process under this one; 0 where there is none.

    Of a child that was started late the kernel's own account of ended children tells its parent's peak.
    """
    peaks = [0.0]
    for pid in below():
        with contextlib.suppress(OSError):
            peaks += [int(line.split()[1]) / 1024 for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                      if line.startswith("VmHWM")]
    return max(peaks)


# reading WARC files --------------------------------------------------------------------------------------------------


def warc_ours(source: str) -> dict[str, Any]:
    import pyarrow.compute as pc

    from corpus.sources.warc import Warc

    rows = pages = 0
    for table in Warc().read(source, "bench"):
        rows += table.num_rows
        pages += pc.sum(pc.is_valid(table.column("payload"))).as_py() or 0
    return {"records": rows, "pages": pages}


def warc_datatrove(source: str) -> dict[str, Any]:
    from datatrove.pipeline.readers import WarcReader

    folder, name = os.path.split(source)
    pages = sum(1 for _ in WarcReader(folder, glob_pattern=name).run())
    return {"records": pages, "pages": pages}


def warc_fastwarc(source: str) -> dict[str, Any]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with open(source, "rb") as stream:
        found = [len(r.reader.read()) for r in ArchiveIterator(stream, record_types=WarcRecordType.response)]
    return {"records": len(found), "pages": len(found)}


def warc_warcio(source: str) -> dict[str, Any]:
    from warcio.archiveiterator import ArchiveIterator

    with open(source, "rb") as stream:
        found = [len(r.content_stream().read()) for r in ArchiveIterator(stream) if r.rec_type == "response"]
    return {"records": len(found), "pages": len(found)}


# from WARC files to kept documents -----------------------------------------------------------------------------------


def line_ours(source: str, extract: Any, workers: int = 1) -> dict[str, Any]:
    """A build up to its filter, over a store that is thrown away."""
    import yaml

    from corpus.store import Store
    from pipelines.config.load import load_build
    from pipelines.engines.placement import Placement
    from pipelines.progress import Progress
    from pipelines.recipe import recipe
    from pipelines.run import Run

    class Enough(Exception):
        """The next step would be past the filter."""

    class UpToFilter(Run):
        def settle(self, step: Any) -> Any:
            if step.stage not in ("ingest", "extract", "edit", "filter"):
                raise Enough
            at = cpu()
            counts[step.name] = (result := super().settle(step)).counts
            seconds[step.name] = cpu() - at
            return result

    counts: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    sure = [{"signal": "language", "among": [LANGUAGE]}, {"signal": "language_score", "low": SURE}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "build.yaml"
        path.write_text(yaml.safe_dump({
            "version": 1, "name": "bench", "store": "store", "extract": extract, "mixture": {"budget_tokens": 1},
            "sources": [{"name": "web", "files": source if source.endswith(".gz") else f"{source}/*.warc.gz"}],
            "filter": {"signals": ["language", "gopher_quality", "gopher_repetition", "c4", "fineweb"],
                       "rules": [*sure, "gopher", "c4", "fineweb"], "max_dropped": 1.0}}))
        build = load_build(str(path))
        engine = {"engine": "inline"} if workers == 1 else {"engine": "local", "workers": workers}
        run = UpToFilter(Store(build.store_url).prepare(), build.name, Placement(engine), Progress())
        with contextlib.suppress(Enough):
            recipe(run, build)
        run.placement.close()
    return {"pages": counts["ingest"]["records"], "extracted": counts["extract"].get("documents", 0),
            "kept": counts["filter"].get("documents", 0), "seconds": seconds}


def line_datatrove(source: str, workers: int = 1) -> dict[str, Any]:
    """Reader, Trafilatura, language and the four rule sets as FineWeb orders them, all at datatrove's defaults."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import JsonlWriter

    folder, name = os.path.split(source) if source.endswith(".gz") else (source, "*.warc.gz")
    with tempfile.TemporaryDirectory() as out:
        stats = LocalPipelineExecutor(
            [WarcReader(folder, glob_pattern=name), Trafilatura(), _language_filter([LANGUAGE]), GopherRepetitionFilter(),
             GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter(), JsonlWriter(f"{out}/kept", compression=None)],
            tasks=workers, workers=workers, logging_dir=f"{out}/logs", start_method="fork").run()
    found = [{label: int(value.total) for label, value in one.stats.items()} for one in stats.stats]
    return {"pages": found[0].get("documents", 0), "extracted": found[2].get("total", 0), "kept": found[-1].get("total", 0)}


def _language_filter(languages: list[str] | None) -> Any:
    from datatrove.pipeline.filters import LanguageFilter
    from datatrove.utils.lid import FT176LID

    from corpus import assets
    from corpus.signals.language import Language

    FT176LID.MODEL_URL = str(assets.locate(Language().model))
    return LanguageFilter(languages, language_threshold=SURE)


def line_dolma(source: str, python: str) -> dict[str, Any]:
    """`dolma warc` and `dolma tag` with Gopher's and C4's taggers: no language, no FineWeb rules, nothing is dropped."""
    command = str(Path(python).with_name("dolma"))
    with tempfile.TemporaryDirectory() as folder:
        documents = f"{folder}/documents"
        taggers = ["--experiment", "bench", "--taggers", "gopher_v2", "c4_v2"]
        for words in (["warc", "--documents", source, "--destination", documents, "--source_name", "web"],
                      ["tag", "--documents", f"{documents}/*.gz", *taggers]):
            done = subprocess.run([command, *words, "--processes", "1"], capture_output=True, text=True, cwd=folder)
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
        pages = sum(1 for path in Path(documents).glob("*.gz") for _ in gzip.open(path))
    return {"pages": pages, "extracted": pages, "kept": pages}


# what has a benchmark of its own --------------------------------------------------------------------------------------


def rules(data: str, documents: int, rounds: int) -> dict[str, Any]:
    import bench_rules

    sets = {"wild pages and textbooks": bench_rules.wild(Path(data)), "documentation": bench_rules.documentation(Path(data))}
    return {name: bench_rules.compare(bench_rules.sampled(texts, documents), rounds) for name, texts in sets.items()}


def dedup(data: str, megabytes: float, rounds: int) -> dict[str, Any]:
    import bench_dedup

    sides = ["shared", "alone", *(side for side in ("datasketch", "datatrove") if find_spec(side))]
    return {"rows": bench_dedup.compare(Path(data) / "near_duplicates", megabytes, rounds, sides)}


SIDES: dict[str, Side] = {
    "warc.ours": warc_ours, "warc.datatrove": warc_datatrove, "warc.fastwarc": warc_fastwarc, "warc.warcio": warc_warcio,
    "line.ours": line_ours, "line.datatrove": line_datatrove, "line.dolma": line_dolma}
WHOLE: dict[str, Side] = {"rules": rules, "dedup": dedup}

if __name__ == "__main__":
    main()
