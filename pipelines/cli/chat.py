"""`corpus shards chat`: conversations with a chat template → packed shards with loss masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.build import Json

if TYPE_CHECKING:
    from corpus.tokens.pack import Pack
    from corpus.tokens.tokenizer import PinTokenizer


def chat(
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="JSON lines of conversations: .jsonl, .gz, .zst.")],
    tokenizer: Annotated[
        str, typer.Option(metavar="PATH", help="tokenizer.json, .tiktoken, .model, or a folder with one; package:NAME/FILE.")
    ],
    template: Annotated[
        str, typer.Option(metavar="FILE", help="A Jinja chat template, or a tokenizer_config.json that has one.")
    ],
    to: Annotated[str, typer.Option(metavar="FOLDER", help="A new folder for shards and receipt.")],
    length: Annotated[int, typer.Option(min=1, help="Tokens of a sequence, and most tokens of a conversation.")] = 4096,
    format_: Annotated[
        str, typer.Option("--format", help="A format that holds masks: datasets, mds, npy, nanoset.")
    ] = "datasets",
    pack: Annotated[
        str, typer.Option(help="best_fit, concatenate, or documents: one sequence a conversation.")
    ] = "best_fit",
    too_long: Annotated[str, typer.Option(help="Conversations over the length: cut at their end, or drop.")] = "cut",
    seed: Annotated[int, typer.Option(min=0, help="Draws the order.")] = 0,
    shard_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a shard, about.")] = 100_000_000,
    bos: Annotated[str | None, typer.Option(help="Name of the template's bos_token.")] = None,
    eos: Annotated[str | None, typer.Option(help="Name of the template's eos_token; it also pads.")] = None,
    pattern: Annotated[str | None, typer.Option(help="Of a .tiktoken file: gpt2, cl100k, o200k.")] = None,
    json_: Json = False,
) -> None:
    """Write packed shards with loss masks from conversations. What does not do is counted, by reason."""
    from corpus import registry
    from corpus.errors import UnknownName
    from pipelines import operators
    from pipelines.chat import Chat
    from pipelines.cli.text import as_json

    operators.load()
    if too_long not in ("cut", "drop"):
        raise UnknownName("treatment", too_long, ["cut", "drop"], "--too-long")
    writer = registry.lookup("writer", format_, "--format")()
    wanted = Chat(tuple(files), _tokenizer(tokenizer, template, bos, eos, pattern), template, writer, _pack(pack, length),
                  length, too_long == "drop", seed, shard_tokens)
    receipt = wanted.write(to)
    print(as_json({"folder": to, **{k: receipt[k] for k in ("digest", "total", "pack", "reasons", "lines")}}) if json_
          else told(receipt, to))


def told(receipt: dict[str, Any], to: str) -> str:
    """A receipt for people."""
    from pipelines.cli.text import plain

    total, pack = receipt["total"], receipt["pack"]
    shards = sum(1 for entry in receipt["shards"] if entry["format"] != "index")
    lines = [f"{total['conversations']:,} conversations of {receipt['lines']:,} lines in {total['sequences']:,} sequences, "
             f"{shards:,} shard{'s' * (shards != 1)}: {to}",
             f"{total['tokens']:,} tokens, learned from: {total['learned_share']:.1%}; padding: {pack['padded_share']:.1%}; "
             f"cut: {receipt['conversations_cut_tokens'] + pack['cut_tokens']:,} tokens"]
    lines += [f"  {plain(reason)}: {n:,}" for reason, n in receipt["reasons"].items()]
    return "\n".join([*lines, f"receipt {receipt['digest']}"])


def _pack(name: str, length: int) -> Pack:
    from corpus import registry

    cls = registry.lookup("pack", name, "--pack")
    return cls() if name == "documents" else cls(length)


def _tokenizer(tokenizer: str, template: str, bos: str | None, eos: str | None, pattern: str | None) -> PinTokenizer:
    """The tokenizer with its ends: as told, else as the template's config or a folder of a store names them."""
    import json
    from pathlib import Path

    from corpus import assets
    from corpus.tokens.template import Source
    from corpus.tokens.tokenizer import PinTokenizer

    named = Source.read(Path(template)).tokens
    about = assets.locate(tokenizer) / "about.json"
    kept = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    bos = bos or named.get("bos_token") or kept.get("bos")
    eos = eos or named.get("eos_token") or kept.get("eos") or (None if bos else PinTokenizer.eos)
    return PinTokenizer(tokenizer, eos, bos, pattern=pattern)
