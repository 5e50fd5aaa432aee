"""What `bench_text.py` measures and prints with: sides run in turn on cores of their own, and tables with targets."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parent
ROOT = TOOLS.parent
PACKAGES = ("numpy", "numba", "pyarrow", "fastwarc", "resiliparse", "trafilatura", "lxml", "fasttext-numpy2-wheel",
            "datatrove", "spacy", "warcio", "datasketch")

Options = dict[str, Any]


@dataclass
class Section:
    """What a section found: lines of Markdown, figures, and (target, figure, whether it is met)."""

    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    targets: list[tuple[str, str, bool]] = field(default_factory=list)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        self.lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]

    def want(self, what: str, found: float, least: float, unit: str = "×", digits: int = 1) -> None:
        self.targets.append((f"{what}: ≥ {least:g}{unit}", f"{found:.{digits}f}{unit}", found >= least))

    def allow(self, what: str, found: float, most: float, unit: str, digits: int = 0) -> None:
        self.targets.append((f"{what}: ≤ {most:g}{unit}", f"{found:.{digits}f}{unit}", found <= most))

    def markdown(self) -> list[str]:
        verdicts = [f"- {what}: **{found}, {'met' if met else 'missed'}**" for what, found, met in self.targets]
        return [*self.lines, "", *verdicts] if verdicts else self.lines


def write(path: Path, found: dict[str, Section]) -> None:
    """Puts each section between its marks, `<!-- bench: NAME -->` and `<!-- end -->`."""
    text = path.read_text(encoding="utf-8")
    for name, section in found.items():
        marked = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.S)
        inside = "\n".join(section.markdown()).strip("\n")
        text = marked.sub(lambda m, inside=inside: f"{m[1]}{inside}\n{m[2]}", text)
    path.write_text(text, encoding="utf-8")


def machine(dolma: str | None) -> Section:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    releases = {name: importlib.metadata.version(name) for name in PACKAGES if _has(name)}
    if dolma:
        code = "import importlib.metadata as m; print(m.version('dolma'))"
        releases["dolma"] = subprocess.run([dolma, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    about = {"processor": model[1] if model else platform.processor(), "cores": len(os.sched_getaffinity(0)),
             "python": platform.python_version(), "releases": releases}
    line = (f"{about['cores']} cores of {about['processor']}; Python {about['python']}; "
            + ", ".join(f"{name} {release}" for name, release in releases.items()) + ".")
    return Section([line], about)


def _has(name: str) -> bool:
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def run(side: str, options: Options, cores: int = 1) -> Any:
    """What a side prints."""
    return json.loads(tool("bench_text_sides.py", side, json.dumps(options, default=str), cores=cores).splitlines()[-1])


def tool(name: str, *words: Any, cores: int = 1) -> str:
    """What a tool beside this one prints, run on the last `cores` cores of this machine, one numeric thread a process."""
    allowed = set(sorted(os.sched_getaffinity(0))[-cores:])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(TOOLS)]), "HF_HUB_OFFLINE": "1"}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run([sys.executable, TOOLS / name, *map(str, words)], env=environment, capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, allowed))
    if done.returncode:
        sys.exit(f"{name} {words[0]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def turns(sides: dict[str, tuple[str, Options]], rounds: int, cores: int = 1) -> dict[str, Options]:
    """By side, the medians of its numbers over the rounds."""
    found: dict[str, list[Options]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (side, options) in sides.items():
            found[name].append(run(side, options, cores))
    return {name: {key: statistics.median(r[key] for r in results) if isinstance(results[0][key], (int, float))
                   else results[-1][key] for key in results[0]} for name, results in found.items()}
