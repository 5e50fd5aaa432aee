"""`corpus shards verify`: every file against its receipt, and a sample of shards made again."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.build import Json


def verify(
    where: Annotated[str, typer.Argument(metavar="BUILD|FOLDER", help="A build file, or a folder with receipt.json.")],
    replay: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Also make this share of the shards again, such as 1%, and compare.")
    ] = None,
    shards: Annotated[str | None, typer.Option(help="Shards to make again: 3,7 or 3-5.")] = None,
    store: Annotated[str | None, typer.Option(help="Where the frozen set lies, for a folder that is in no store.")] = None,
    json_: Json = False,
) -> None:
    """Read every shard back and compare it with the receipt; names each fault."""
    from pipelines.cli.text import as_json, plain
    from pipelines.receipt import faults_of, receipt_at
    from pipelines.replay import replay as remake
    from pipelines.replay import shards_named, share_of

    wanted = None if shards is None else shards_named(shards)
    if replay is not None:
        share_of(replay)
    told = receipt_at(where, store)
    faults = faults_of(told)
    remade = None
    if (replay is not None or wanted is not None) and not told.own_faults():
        remade = remake(told, replay, wanted)
        faults += remade.faults
    if json_:
        print(as_json({"receipt": told.said, "faults": faults, "replayed": remade.shards if remade else []}))
    elif faults:
        print("\n".join(map(plain, faults)))
    else:
        total = told.receipt["total"]
        print(f"verified: {told.receipt['shard_count']} shards, {total['documents']:,} documents, "
              f"{total.get('written_tokens', total['tokens']):,} tokens, receipt {told.said}")
        if remade:
            print(f"made again and equal: shard{'s' if len(remade.shards) > 1 else ''} {', '.join(map(str, remade.shards))}")
    if faults:
        raise typer.Exit(1)
