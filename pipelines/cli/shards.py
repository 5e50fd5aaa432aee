"""`corpus shards write|verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.build import BuildPath, Json, On, Workers

if TYPE_CHECKING:
    from pipelines.config.load import Build

app = typer.Typer(no_args_is_help=True, help="Tokenized mixture shards.")


@app.command()
def write(
    build: BuildPath,
    on: On = None,
    workers: Workers = None,
    json_: Json = False,
    weights: Annotated[
        str | None, typer.Option(help="A mixture to write: JSON or YAML, {cell: weight}, nested or not.")
    ] = None,
    budget: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Tokens to write, not the build file's.")] = None,
    to: Annotated[str | None, typer.Option(help="Also copy shards and receipt into this folder.")] = None,
) -> None:
    """Write the shards of a build, from the mixture it searched or from one that is given."""
    from pipelines.build import run_build
    from pipelines.cli.build import ending
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build, with_mixture
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for

    loaded = with_mixture(load_build(build), weights, budget)
    placement = load_placement(on, workers)
    if to is not None:
        _check_target(loaded, to)
    outcome = run_build(loaded, placement, progress_for(quiet=json_))
    if to is not None:
        _copy(loaded, to)
    if json_:
        print(as_json({"receipt": outcome.receipt_digest, "folder": outcome.folder, "made": outcome.made}))
    else:
        print(ending(build, loaded, outcome))


def _check_target(build: Build, to: str) -> None:
    """Makes the folder and tries to write in it: before the work, not after it."""
    import os
    import tempfile

    from corpus.errors import UserError
    from corpus.store import Store

    store = Store(build.store_url)
    root = os.path.realpath(store.full(""))
    if store.is_local and os.path.commonpath([root, os.path.realpath(to)]) == root:
        raise UserError(f"--to {to}: lies in the store; its shards are in {store.full(f'builds/{build.name}/shards')}")
    try:
        for folder in (to, f"{to}/shards"):
            os.makedirs(folder, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        raise UserError(f"--to {to}: cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _copy(build: Build, to: str) -> None:
    """Copies what the build exported, from wherever its store is."""
    import os

    import fsspec

    from corpus.store import Store

    store = Store(build.store_url)
    fs, _ = fsspec.core.url_to_fs(build.store_url)
    folders = [f"shards/{writer.name}" for writer in build.writers]
    exported = [f"{folder}/{name}" for folder in folders for name in store.names(f"builds/{build.name}/{folder}")]
    for folder in folders:
        os.makedirs(f"{to}/{folder}", exist_ok=True)
        for old in os.listdir(f"{to}/{folder}"):       # an earlier mixture's shards would mix with these
            if old.startswith("shard_") and f"{folder}/{old}" not in exported:
                os.unlink(f"{to}/{folder}/{old}")
    for path in (*exported, "receipt.json"):
        fs.get_file(store.full(f"builds/{build.name}/{path}"), f"{to}/{path}")


@app.command()
def verify(build: BuildPath, json_: Json = False) -> None:
    """Read every shard back and compare it with the receipt; names each fault."""
    from corpus.errors import MissingFile
    from corpus.mixture.receipt import receipt_digest
    from corpus.store import Store
    from corpus.verify import verify_shards
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build

    loaded = load_build(build)
    store = Store(loaded.store_url)
    folder = f"builds/{loaded.name}"
    receipt = store.read_json(f"{folder}/receipt.json")
    if receipt is None:
        raise MissingFile(store.full(f"{folder}/receipt.json"), remedy=f"make the shards first: corpus build {build}")
    said = receipt.pop("digest")
    faults = [str(f) for f in verify_shards(receipt, store.full(f"{folder}/shards"))]
    if receipt_digest(receipt) != said:
        faults.insert(0, f"receipt.json: its digest is {receipt_digest(receipt)}, it says {said}")
    if json_:
        print(as_json({"receipt": said, "faults": faults}))
    elif faults:
        print("\n".join(faults))
    else:
        total = receipt["total"]
        print(
            f"verified: {receipt['shard_count']} shards, {total['documents']:,} documents, "
            f"{total['tokens']:,} tokens, receipt {said}"
        )
    if faults:
        raise typer.Exit(1)
