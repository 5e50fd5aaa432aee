"""`corpus shards write|verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.build import BuildPath, Json, On, Workers

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
    budget: Annotated[int | None, typer.Option(min=1, help="Tokens to write, instead of the build file's.")] = None,
    to: Annotated[str | None, typer.Option(help="Also copy shards and receipt into this folder.")] = None,
) -> None:
    """Write the shards of a build, from the mixture it searched or from one that is given."""
    import shutil

    from pipelines.build import run_build
    from pipelines.cli.build import ending
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build, with_mixture
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for

    loaded = with_mixture(load_build(build), weights, budget)
    outcome = run_build(loaded, load_placement(on, workers), progress_for(quiet=json_))
    if to is not None:
        shutil.copytree(f"{outcome.folder}/shards", f"{to}/shards", dirs_exist_ok=True)
        shutil.copyfile(f"{outcome.folder}/receipt.json", f"{to}/receipt.json")
    if json_:
        print(as_json({"receipt": outcome.receipt_digest, "folder": outcome.folder, "made": outcome.made}))
    else:
        print(ending(build, loaded, outcome))


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
