"""`corpus shards write|verify|at|convert|chat`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.at import at
from pipelines.cli.build import BuildPath, Json, On, Workers
from pipelines.cli.chat import chat
from pipelines.cli.convert import convert
from pipelines.cli.verify import verify

if TYPE_CHECKING:
    from pipelines.config.load import Build

app = typer.Typer(no_args_is_help=True, help="Tokenized mixture shards.")
app.command("verify")(verify)
app.command("at")(at)
app.command("convert")(convert)
app.command("chat")(chat)


@app.command()
def write(
    build: BuildPath,
    on: On = None,
    workers: Workers = None,
    json_: Json = False,
    weights: Annotated[
        str | None,
        typer.Option(help="A mixture to write: mixture.json, receipt.json, YAML, JSON, Megatron pairs, or CSV[#ROW]."),
    ] = None,
    carry: Annotated[
        bool, typer.Option("--carry", help="Use weights that were found on other data of the same taxonomy.")
    ] = False,
    budget: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Tokens to write, not the build file's.")] = None,
    after: Annotated[
        str | None, typer.Option(metavar="RECEIPT@TOKENS", help="What a trainer has read already counts as seen.")
    ] = None,
    retokenize: Annotated[
        str | None, typer.Option(help="Another tokenizer for the same draw: a path, package:NAME/FILE, or {use: ...}.")
    ] = None,
    rebudget: Annotated[
        bool, typer.Option("--rebudget", help="With --retokenize: draw again, with token counts of that tokenizer.")
    ] = False,
    to: Annotated[str | None, typer.Option(help="Also copy shards and receipt into this folder.")] = None,
) -> None:
    """Write the shards of a build, from the mixture it searched or from one that is given."""
    from pipelines.build import run_build
    from pipelines.cli.build import ending
    from pipelines.cli.shift import shifted, shown_shift
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build
    from pipelines.config.override import Overrides, overridden
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for

    loaded = overridden(load_build(build), Overrides(weights, budget, retokenize, rebudget, after, carry))
    placement = load_placement(on, workers)
    if to is not None:
        _check_target(loaded, to)
    before = _receipt(loaded) if retokenize is not None else None
    outcome = run_build(loaded, placement, progress_for(quiet=json_))
    if to is not None:
        _copy(loaded, outcome.receipt, to)
    shift = shifted(outcome.receipt, before) if retokenize is not None else []
    if json_:
        found = {"receipt": outcome.receipt_digest, "folder": outcome.folder, "made": outcome.made}
        print(as_json(found | ({"shift": shift} if shift else {})))
    else:
        notes = [f"{given.source}: {note}" for given in loaded.given.values() for note in given.notes]
        print("\n".join(filter(None, (*notes, shown_shift(shift), ending(build, loaded, outcome)))))


def _receipt(build: Build) -> dict[str, Any] | None:
    from corpus.store import Store

    return Store(build.store_url).read_json(f"builds/{build.name}/receipt.json")


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


def _copy(build: Build, receipt: dict[str, Any], to: str) -> None:
    """Copies what the build exported, from wherever its store is; what an earlier receipt there names and this one does not
    would mix with it, and goes.
    """
    import json
    import os

    import fsspec

    from corpus.store import Store

    store = Store(build.store_url)
    fs, _ = fsspec.core.url_to_fs(build.store_url)
    wanted = _files(receipt)
    if os.path.isfile(f"{to}/receipt.json"):
        with open(f"{to}/receipt.json", encoding="utf-8") as stream:
            earlier = json.load(stream)
        for path in _files(earlier) - wanted:
            if os.path.isfile(f"{to}/{path}") and ".." not in path.split("/"):
                os.unlink(f"{to}/{path}")
    for path in (*sorted(wanted), "mixture.json", "receipt.html", "receipt.json"):
        os.makedirs(os.path.dirname(f"{to}/{path}"), exist_ok=True)
        fs.get_file(store.full(f"builds/{build.name}/{path}"), f"{to}/{path}")


def _files(receipt: dict[str, Any]) -> set[str]:
    """Every file that a receipt names, below the folder that holds it."""
    entries = [*receipt.get("shards", ()), *receipt.get("finish", ())]
    held = {f["path"] for entry in receipt.get("holdout", ()) for f in entry.get("files", ())}
    return {f"shards/{f['path']}" for entry in entries for f in entry["files"]} | held
