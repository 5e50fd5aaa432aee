"""`corpus shards at`: which document stands behind a token of a shard, or behind a training step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.build import Json

if TYPE_CHECKING:
    from corpus.writers.at import Place
    from pipelines.receipt import Told

#: Tokens shown on each side of the one that was asked for.
AROUND = 20

ORDER = ("shards ascending; each shard's stream cut every {seq:,} tokens, what is left at its end dropped; step t reads the "
         "sequences t x {batch:,} up to (t + 1) x {batch:,}")


def at(
    where: Annotated[str, typer.Argument(metavar="BUILD|FOLDER", help="A build file, or a folder with receipt.json.")],
    shard: Annotated[int | None, typer.Option(help="Number of a shard.")] = None,
    offset: Annotated[int | None, typer.Option(help="A token of its stream, counted from 0.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="The format to read the tokens around it from.")] = None,
    step: Annotated[int | None, typer.Option(help="A training step, counted from 0.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Sequences of a step.")] = None,
    seq: Annotated[int | None, typer.Option(min=1, help="Tokens of a sequence; by default those of the packing.")] = None,
    order: Annotated[str, typer.Option(help="How a trainer reads the shards: sequential.")] = "sequential",
    limit: Annotated[int, typer.Option(min=0, help="Documents of a step to list.")] = 40,
    store: Annotated[str | None, typer.Option(help="Where the tokenizer lies, for a folder that is in no store.")] = None,
    json_: Json = False,
) -> None:
    """Which document stands behind a token (--shard S --offset N) or a training step (--step T --batch B --seq L)."""
    from corpus.errors import UnknownName, UserError
    from pipelines.receipt import receipt_at

    token, whole = (shard, offset), (step, batch)
    if not ((None not in token and whole == (None, None)) or (None not in whole and token == (None, None))):
        raise UserError("corpus shards at: say --shard and --offset, or --step and --batch (and --seq)")
    if order != "sequential":
        raise UnknownName("order", order, ["sequential"], "--order")
    told = receipt_at(where, store)
    if shard is not None and offset is not None:
        _token(told, shard, offset, format_, json_)
    elif step is not None and batch is not None:
        length = seq or told.receipt["pack"].get("length")
        if length is None:
            raise UserError("--seq: is missing; these shards are not packed, so say how many tokens a sequence has")
        _step(told, step, batch, length, limit, json_)


def _token(told: Told, shard: int, offset: int, name: str | None, json_: bool) -> None:
    from dataclasses import asdict

    from corpus.writers.at import at_offset
    from pipelines.cli.text import as_json, plain

    place = at_offset(told.receipt, told.root, shard, offset)
    around = _around(told, place, name)
    if json_:
        print(as_json(asdict(place) | around))
        return
    lines = [("place", f"shard {place.shard}, token {place.offset:,}"
              + (f", sequence {place.sequence:,}" if place.sequence is not None else ""))]
    if place.id is None:
        lines.append(("document", "none: this is padding"))
    else:
        lines += [("document", place.id), ("url", place.url), ("source", place.source), ("cell", place.cell),
                  ("copy", f"{place.copy} (phase {place.phase})"), ("style", place.style),
                  ("cluster", place.cluster_id),
                  ("token", f"{(place.token or 0) + 1:,} of {place.tokens:,} of the document that lie in this shard")]
        if around.get("text") is not None:
            before, mine, after = around["text"]
            lines.append(("text", f"{before}[{mine}]{after}".replace("\n", "\\n")))
        if around.get("ids") is not None:
            lines.append(("ids", " ".join(f"[{i}]" if n == around["at"] else str(i) for n, i in enumerate(around["ids"]))))
            lines.append(("read from", around["format"]))
    for head, value in lines:
        if value is not None:
            print(f"{head:<10} {plain(str(value))}")


def _around(told: Told, place: Place, name: str | None) -> dict[str, Any]:
    """The ids around a place from a format that can be read anywhere, and their text where the tokenizer is at hand."""
    from corpus.writers.at import ids_at

    found = None if place.id is None else ids_at(told.receipt, told.root, place, AROUND, name)
    if found is None:
        return {"format": None, "ids": None, "at": None, "text": None}
    format_, ids, mine = found
    return {"format": format_, "ids": ids.tolist(), "at": mine, "text": _text(told, ids.tolist(), mine)}


def _text(told: Told, ids: list[int], mine: int) -> tuple[str, str, str] | None:
    from corpus.tokens.encode import REFERENCE, Encoder

    if told.store is None:
        return None
    tokenizer = told.store.folder_of("tokenizer", told.receipt["tokenizer"]["digest"])
    if tokenizer is None:
        return None
    with told.store.local_folder(tokenizer) as folder:
        encoder = Encoder.open(folder, REFERENCE)              # opens sooner than a fast one
        return encoder.decode(ids[:mine]), encoder.decode(ids[mine : mine + 1]), encoder.decode(ids[mine + 1 :])


def _step(told: Told, step: int, batch: int, seq: int, limit: int, json_: bool) -> None:
    from corpus.writers.at import at_step
    from pipelines.cli.text import as_json, plain, table

    found = at_step(told.receipt, told.root, step, batch, seq)
    said = ORDER.format(seq=seq, batch=batch)
    counts = {by: found.counts(by) for by in ("cell", "source")}
    rows = found.documents.slice(0, limit).to_pylist()
    if json_:
        print(as_json({"step": step, "order": said, "sequences": found.sequences, "ranges": found.ranges,
                       **{by: [{"name": n, "documents": d, "tokens": t} for n, d, t in counts[by]] for by in counts},
                       "pieces": found.documents.num_rows, "documents": rows}))
        return
    first, last = found.sequences
    print(f"step {step:,} reads the sequences {first:,} to {last - 1:,}: " + "; ".join(
        f"shard {n}, tokens {start:,} to {stop - 1:,}" for n, start, stop in found.ranges))
    print(f"order: {said}\n")
    total = batch * seq
    for by, held in counts.items():
        print(table((by, "documents", "tokens", "share"),
                    [(n, f"{d:,}", f"{t:,}", f"{100 * t / total:.2f} %") for n, d, t in held], right=(1, 2, 3)) + "\n")
    print(table(("shard", "offset", "tokens", "cell", "source", "copy", "document", "url"),
                [(r["shard"], f"{r['offset']:,}", f"{r['tokens']:,}", r["cell"], r["source"], r["copy"], r["id"],
                  plain(r["url"] or "")) for r in rows], right=(0, 1, 2, 5)))
    if found.documents.num_rows > limit:
        print(f"and {found.documents.num_rows - limit:,} more pieces of documents (--limit)")
