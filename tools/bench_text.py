"""The text stages beside their peers, one table a section, with the targets: `docs/performance.md` is written by it.

    python tools/bench_text.py [SECTION ...] [--scale 1] [--write docs/performance.md] [--json FILE] [--dolma-python PATH]

Sections: warc, extract, rules, dedup, line, memory; all by default, in under twenty minutes on two quiet cores. Sides take
turns (A B C, A B C, ...), each in a process of its own on one core; figures are medians of the rounds, in CPU seconds (user
and system, all processes under the side), after a warm-up on a few pages that brings imports, compiled code and models.
Two-core rows are wall seconds. Peers that are not installed are left out, and the section says so. The exit status is 1
where a target is missed. Linux.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import bench_text_inputs as inputs
from bench_text_measure import Options, Section, machine, run, tool, turns, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    data = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, help="folder of quickstart, web_pages, near_duplicates")
    parser.add_argument("--pages", type=Path, help="a WARC file of one's own for warc, line and memory")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the default sizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-pages", type=int, help="pages to replicate; 0: all (default: 300 · scale)")
    parser.add_argument("--dolma-python", help="the interpreter of an environment that has dolma")
    parser.add_argument("--write", type=Path, help="a document whose marked tables are replaced")
    parser.add_argument("--json", type=Path, help="where to put the figures")
    given = parser.parse_args()
    if wrong := set(given.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(wrong))}; there are {', '.join(SECTIONS)}")
    if given.write and not given.write.exists():
        parser.error(f"no file at {given.write}")
    found: dict[str, Section] = {"machine": machine(given.dolma_python)}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sections or SECTIONS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            load = os.getloadavg()[0]
            found[name] = SECTIONS[name](given, Path(folder))
            found[name].figures["load"] = load
            found[name].lines += ["", f"Load of the machine when this began: {load:.1f}."]
            print("\n".join([f"\n## {name}", *found[name].markdown()]), flush=True)
    if given.json:
        whole = {name: {"figures": s.figures, "targets": s.targets} for name, s in found.items()}
        given.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False))
    if given.write:
        write(given.write, found)
    sys.exit(any(not met for section in found.values() for _, _, met in section.targets))


def page_sets(given: argparse.Namespace) -> dict[str, Path]:
    if given.pages:
        return {given.pages.stem: given.pages}
    return {"wild pages": given.data / "quickstart" / "quickstart.warc.gz",
            "documentation": given.data / "web_pages" / "pages.warc.gz"}


def tiny(given: argparse.Namespace, folder: Path) -> Path:
    """What sides warm up on."""
    path = folder / "tiny" / "tiny.warc.gz"
    if not path.exists():
        path.parent.mkdir()
        inputs.sample(next(iter(page_sets(given).values())), path, 8)
    return path


# sections ------------------------------------------------------------------------------------------------------------


def installed(section: Section, *peers: str) -> list[str]:
    """Those that are; the section tells of the others."""
    section.lines += [f"{peer} was left out: it is not installed." for peer in peers if not find_spec(peer)]
    return [peer for peer in peers if find_spec(peer)]


def warc(given: argparse.Namespace, folder: Path) -> Section:
    section = Section()
    peers = installed(section, "datatrove", "warcio")
    for name, path in page_sets(given).items():
        times = math.ceil(given.scale * 10_000 / sum(1 for _ in inputs.responses(path)))     # of a small file, several
        options = {"input": path.resolve(), "warm_up": tiny(given, folder), "times": times}
        found = turns({side: (f"warc.{side}", options) for side in ("ours", *peers, "fastwarc")}, given.rounds)
        offered = found["fastwarc"]["pages"]
        rate = {side: times * offered / r["cpu"] for side, r in found.items()}
        section.table([f"{name}: {offered} responses", "pages given", "responses / CPU s", "× datatrove", "RSS MB"],
                      [[side, f"{r['pages']:.0f}", f"{rate[side]:,.0f}", _times(rate, side), f"{r['rss_mb']:.0f}"]
                       for side, r in found.items()])
        section.figures[name] = found
        section.allow(f"responses lost, {name}", offered - found["ours"]["pages"], 0, "")
        if "datatrove" in found:
            section.want(f"reading, {name}", rate["ours"] / rate["datatrove"], 8)
    section.lines += ["", "`fastwarc` is the floor: it decodes nothing, sniffs nothing, makes no ids and frames no damage."]
    return section


def _times(rate: dict[str, float], side: str, over: str = "datatrove") -> str:
    return f"{rate[side] / rate[over]:.1f}" if over in rate else "–"


def extract(given: argparse.Namespace, folder: Path) -> Section:
    """The tables of bench_extract.py, and the careful extractor against trafilatura."""
    found = tool("bench_extract.py", "--data", given.data, "--every", round(20 / given.scale))
    section = Section(found.strip().splitlines())
    speed, quality = (rows(found, at) for at in (0, 1))
    for name, row in speed.items():
        section.want(f"blocks against trafilatura, {name}", float(row["blocks"]) / float(row["trafilatura"]), 5)
    less = next(value for key, value in quality["blocks"].items() if key.startswith("F1 less"))
    section.want("F1 of blocks less trafilatura's", float(less.split()[0]), 0.0, "", 3)
    section.figures = {"speed": speed, "quality": quality}
    return section


def rows(markdown: str, at: int) -> dict[str, dict[str, str]]:
    """A table of a Markdown text by the first cell of each row, then by the head of each column."""
    tables = [[[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
              for block in markdown.strip().split("\n\n")]
    head, _, *body = tables[at]
    return {row[0]: dict(zip(head[1:], row[1:])) for row in body}


def rules(given: argparse.Namespace, folder: Path) -> Section:
    section = Section()
    section.figures = run("rules", {"data": given.data, "documents": round(400 * given.scale), "rounds": given.rounds})
    for name, found in section.figures.items():
        counted = [row for row in found if row["docs_s"]]
        section.table([name, "documents / CPU s", "MB / CPU s", "× datatrove"],
                      [[r["what"], f"{r['docs_s']:,.0f}", f"{r['mb_s']:.2f}", f"{r['ratio']:.1f}"] for r in counted])
        section.lines += ["", "; ".join(row["what"] for row in found if not row["docs_s"]) + "."]
        times = {row["what"]: row["ratio"] for row in counted}
        section.want(f"rules, warm, {name}", times["rules, warm"], 40)
        section.want(f"rules, cold, {name}", times["rules, cold"], 10 if name == "documentation" else 20)
        section.want(f"language, {name}", times["language"], 5)
    return section


def dedup(given: argparse.Namespace, folder: Path) -> Section:
    section = Section()
    found = run("dedup", {"data": given.data, "megabytes": 25 * given.scale, "rounds": given.rounds})["rows"]
    section.table(["side", "CPU s", "documents / CPU s", "MB / CPU s", f"× {found[-1]['side']}", "RSS MB", "found at ≥ .95",
                   "at ≥ .8", "grouped under .5"],
                  [[r["side"], f"{r['seconds']:.2f}", f"{r['docs_s']:,.0f}", f"{r['mb_s']:.1f}", f"{r['ratio']:.1f}",
                    f"{r['rss_mb']:.0f}", r["at_95"], r["at_80"], r["under_50"]] for r in found])
    section.figures = {"rows": found}
    by_side = {row["side"]: row for row in found}
    if "datatrove" in by_side:
        section.want("word ids shared", by_side["shared"]["ratio"], 100)
        section.want("standing alone", by_side["alone"]["ratio"], 40)
        section.allow("memory, alone", by_side["alone"]["rss_mb"], round(by_side["datatrove"]["rss_mb"]), " MB")
    return section


def line(given: argparse.Namespace, folder: Path) -> Section:
    section = Section()
    peers = installed(section, "trafilatura", "datatrove")
    ours = {"ours, resiliparse": "resiliparse", "ours, blocks": "blocks", "ours, trafilatura": "trafilatura"}
    for number, (name, path) in enumerate(page_sets(given).items()):
        sample = folder / f"sample{number}" / "sample.warc.gz"
        sample.parent.mkdir()
        pages = inputs.sample(path, sample, round(700 * given.scale))
        base = {"input": sample, "warm_up": tiny(given, folder)}
        sides = {side: ("line.ours", base | {"extract": use}) for side, use in ours.items()
                 if use != "trafilatura" or use in peers}
        if "datatrove" in peers:
            sides["datatrove"] = ("line.datatrove", base)
        if given.dolma_python:
            sides["dolma"] = ("line.dolma", base | {"python": given.dolma_python})
        found = turns(sides, given.rounds)
        rate = {side: pages / r["cpu"] for side, r in found.items()}
        section.table([f"{name}: {pages} pages, one core", "extracted", "kept", "CPU s", "pages / CPU s", "× datatrove",
                       "× dolma", "start, CPU s", "RSS MB"],
                      [[side, f"{r['extracted']:.0f}", f"{r['kept']:.0f}", f"{r['cpu']:.2f}", f"{rate[side]:.1f}",
                        _times(rate, side), _times(rate, side, "dolma"), f"{r['start']:.1f}",
                        f"{r['rss_mb']:.0f} + {r['child_rss_mb']:.0f}"] for side, r in found.items()])
        section.figures[name] = found
        for side, peer, least in (("ours, resiliparse", "datatrove", 15), ("ours, trafilatura", "datatrove", 1.5),
                                  ("ours, resiliparse", "dolma", 4)):
            if side in rate and peer in rate:
                section.want(f"{side} against {peer}, {name}", rate[side] / rate[peer], least)
        two_cores(given, folder, section, name, sample, pages, sides)
    if not given.dolma_python:
        section.lines += ["", "dolma was left out: no `--dolma-python`."]
    return section


def two_cores(given: argparse.Namespace, folder: Path, section: Section, name: str, sample: Path, pages: int,
              sides: dict[str, tuple[str, Options]]) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        return
    halves = sample.parent / "halves"
    inputs.halves(sample, halves)
    inputs.halves(tiny(given, folder), folder / "tiny" / "halves")
    base = {"input": halves, "warm_up": folder / "tiny" / "halves", "workers": 2}
    chosen = {side: (how, options | base) for side, (how, options) in sides.items() if how != "line.dolma"}
    found = turns(chosen, given.rounds, cores=2)
    rate = {side: pages / r["wall"] for side, r in found.items()}
    section.table([f"{name}: two workers on two cores", "wall s", "pages / s", "× datatrove"],
                  [[side, f"{r['wall']:.2f}", f"{rate[side]:.1f}", _times(rate, side)] for side, r in found.items()])
    section.figures[f"{name}, two cores"] = found


def memory(given: argparse.Namespace, folder: Path) -> Section:
    section = Section()
    source = list(page_sets(given).values())[-1]
    kept = folder / "kept.warc.gz"
    pages = round(300 * given.scale) if given.memory_pages is None else given.memory_pages
    inputs.sample(source, kept, pages or 10**9)
    for use in ("resiliparse", "blocks"):
        peak = {}
        for times in (4, 16):
            copies = folder / f"copies{times}.warc.gz"
            if not copies.exists():
                inputs.replicas(kept, copies, times)
            found = run("line.ours", {"input": copies, "warm_up": tiny(given, folder), "extract": use})
            peak[times] = found["rss_mb"] + found["child_rss_mb"]
            section.figures[f"{use}, {times}×"] = found
        section.allow(f"{use}: RSS at 16× over RSS at 4×", peak[16] / peak[4], 1.1, "", 2)
        section.allow(f"{use}: RSS of a worker and its child", peak[16], 800, " MB")
    section.table(["replicas, addresses and words of their own", "pages", "worker, RSS MB", "its extracting child", "CPU s"],
                  [[name, f"{r['pages']:.0f}", f"{r['rss_mb']:.0f}", f"{r['child_rss_mb']:.0f}", f"{r['cpu']:.1f}"]
                   for name, r in section.figures.items()])
    return section


SECTIONS: dict[str, Callable[[argparse.Namespace, Path], Section]] = {
    "warc": warc, "extract": extract, "rules": rules, "dedup": dedup, "line": line, "memory": memory}

if __name__ == "__main__":
    main()
