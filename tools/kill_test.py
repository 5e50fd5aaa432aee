"""Kills a build at random moments, lets it go on elsewhere, and compares the end with an uninterrupted build.

    python tools/kill_test.py [BUILD] [--moments 20] [--seed 1] [--keep FOLDER]

Each moment is a build from an empty store in a session of its own: SIGKILL to its whole process group at a time drawn
from the uninterrupted build's, then the same command on another engine. Prints a line a moment; exits 1 where an end
differs, a finished task was made again, or a half-written file could be read.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from corpus import chance
from corpus.store import Store
from corpus.testing.kills import contents, differences, half_files, run_and_kill, stamps

ENGINES = [
    {"engine": "local", "workers": 2},
    {"engine": "datatrove", "workers": 2},
    {"engine": "beam"},
    {"engine": "inline"},
    {"engine": "local", "workers": 4},
    {"engine": "local", "workers": 1},
]
ROW = "{:>7} {:>8} {:<14} {:>6} {:>6} {:>5}  {:<14} {:>7}  {}"


class Bench:
    """Builds of one build file in stores of their own. Everything beside the file is linked, so its paths hold."""

    def __init__(self, build: Path, folder: Path) -> None:
        self.folder, self.file = folder, yaml.safe_load(build.read_text(encoding="utf-8"))
        for beside in build.resolve().parent.iterdir():
            if beside.name != build.name:
                (folder / beside.name).symlink_to(beside)

    @property
    def name(self) -> str:
        return self.file["name"]

    def store(self, store: str) -> Store:
        return Store(str(self.folder / "stores" / store))

    def run(self, store: str, engine: dict, kill_after: float | None = None) -> tuple[int, float]:
        """Exit code and seconds of `corpus build`."""
        path, on = self.folder / f"{store}.yaml", self.folder / f"{store}.engine.yaml"
        path.write_text(yaml.safe_dump(self.file | {"store": f"stores/{store}"}))
        on.write_text(yaml.safe_dump(engine))
        command = [sys.executable, "-m", "pipelines.cli.main", "build", str(path), "--on", str(on), "--json"]
        started = time.monotonic()
        return run_and_kill(command, kill_after, log=self.folder / f"{store}.log"), time.monotonic() - started


def moment(bench: Bench, reference: dict, store: str, at: float, killed: dict, other: dict) -> tuple[str, bool]:
    """One kill: a line for the table, and whether all is well."""
    code, _ = bench.run(store, killed, kill_after=at)
    before, halves = stamps(bench.store(store)), half_files(bench.store(store))
    resumed, seconds = bench.run(store, other)
    after = stamps(bench.store(store))
    again = sum(after.get(key) != stamp for key, stamp in before.items())
    halves += half_files(bench.store(store))
    different = differences(reference, contents(bench.store(store), bench.name)) if resumed == 0 else ["it failed"]
    well = not again and not halves and not different
    end = "equal" if not different else f"differs: {different[0]}"
    how = "killed" if code == -9 else f"ended {code}"
    cells = (f"{at:.1f}", how, show(killed), len(before), again, len(halves), show(other), f"{seconds:.1f}", end)
    return ROW.format(*cells), well


def show(engine: dict) -> str:
    return engine["engine"] + (f" x{engine['workers']}" if "workers" in engine else "")


@contextlib.contextmanager
def folder_at(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="corpus-kills-") as temporary:
        yield Path(temporary)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=Path, default=Path("configs/quickstart.yaml"))
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep stores and logs in this new folder")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with folder_at(options.keep) as folder:
        bench = Bench(options.build, folder)
        code, whole = bench.run("reference", ENGINES[0])
        if code != 0:
            print((folder / "reference.log").read_text(), file=sys.stderr)
            return 1
        reference = contents(bench.store("reference"), bench.name)
        print(f"uninterrupted on {show(ENGINES[0])}: {whole:.1f} s, {len(stamps(bench.store('reference')))} tasks")
        print(ROW.format("moment", "", "on", "there", "again", "half", "went on", "seconds", "end"))
        draw, faults = chance.generator(options.seed, "kill_test"), 0
        for n in range(options.moments):
            killed, other = draw.choice(len(ENGINES), 2, replace=False)
            at = float(draw.uniform(0.05, 0.95) * whole)
            line, well = moment(bench, reference, f"moment-{n}", at, ENGINES[killed], ENGINES[other])
            print(line, flush=True)
            faults += not well
            if well and options.keep is None:
                shutil.rmtree(bench.store(f"moment-{n}").full(""))
    print(f"{options.moments - faults} of {options.moments} ended as if nothing had happened")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
