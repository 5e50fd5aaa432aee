"""`corpus shards convert`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.build import Json

if TYPE_CHECKING:
    from corpus.operators import Writer


def convert(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A build file, or a folder or URL with receipt.json and shards/.")
    ],
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="A format's name, or {use: NAME, OPTION: …}.")],
    to: Annotated[str, typer.Option(help="A folder that is not there yet or is empty.")],
    from_format: Annotated[
        str | None,
        typer.Option("--from-format", help="The format to read. Without a receipt, ids and masks alone are converted."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="uint16 or uint32, where there is no receipt that says it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write shards in another format: the same draw, the same stream of tokens, its sidecar and a receipt."""
    import os
    import shutil
    import uuid
    from pathlib import Path

    from corpus.errors import UserError
    from pipelines.cli.text import as_json

    if os.path.exists(to) and (not os.path.isdir(to) or os.listdir(to)):
        raise UserError(f"--to {to}: is there already; give a folder that is new or empty")
    conversion = _conversion(source, format_, from_format, dtype)
    conversion.check()
    parent = os.path.dirname(os.path.abspath(to))
    part = os.path.join(parent, f".{os.path.basename(os.path.abspath(to))}-{uuid.uuid4().hex[:8]}.part")
    try:
        os.makedirs(part)
        made = conversion.run(Path(part))
        os.replace(part, to)
    except OSError as error:
        raise UserError(f"--to {to}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    told = _summary(made)
    if json_:
        print(as_json(told | {"folder": os.path.abspath(to)}))
    else:
        receipt = f", receipt {told['receipt']}" if told["receipt"] else "; no receipt came with them, so none is made"
        print(f"converted: {told['shards']:,} shards of {conversion.reader.name} to {told['format']}, "
              f"{told['tokens']:,} tokens in {told['sequences']:,} sequences{receipt}\n  {os.path.abspath(to)}")


def _conversion(source: str, said: str, from_format: str | None, dtype: str | None) -> Any:
    """What is to be done; UserError where it cannot be."""
    from corpus import registry
    from corpus.errors import ConfigError, MissingFile
    from corpus.writers.convert import Conversion, pack_of, source_format
    from corpus.writers.shards_of import FILES
    from pipelines import operators

    operators.load()
    writer = _writer(said)
    root, receipt = _opened(source)
    if from_format is not None:
        registry.lookup("writer", from_format, "--from-format")
    if receipt is None:
        if from_format is None:
            raise MissingFile(f"{source}/receipt.json", remedy="without one, --from-format converts ids alone")
        if from_format not in FILES:
            raise ConfigError("--from-format", f"{from_format} holds no token ids", ", ".join(sorted(FILES)))
        root, folder = _place(root, from_format)
        kind = dtype or "uint32"
        if kind not in ("uint16", "uint32"):
            raise ConfigError("--dtype", f"'{kind}'", "uint16 or uint32")
        about = {"vocab_size": 1 << 16 if kind == "uint16" else 1 << 31, "dtype": kind, "bos_id": None, "eos_id": None}
        return Conversion(root, registry.lookup("writer", from_format)(), writer, about, folder=folder)
    name = from_format or source_format(receipt)
    if not any(entry["format"] == name for entry in receipt["shards"]):
        there = ", ".join(sorted({entry["format"] for entry in receipt["shards"]}))
        raise ConfigError("--from-format", f"the receipt has no shards of {name}", there)
    reader = registry.lookup("writer", name)(**receipt.get("formats", {}).get(name, {}))
    if dtype is not None and dtype != receipt["tokenizer"]["dtype"]:
        raise ConfigError("--dtype", f"the receipt says {receipt['tokenizer']['dtype']}", "no --dtype")
    return Conversion(root, reader, writer, receipt["tokenizer"], pack_of(receipt), receipt)


def _place(root: str, name: str) -> tuple[str, str]:
    """Where the folder of a format's files lies, and its name: it is inside `root`, or is `root`."""
    from corpus.store import Store

    if Store(root).exists(name):
        return root, name
    above, _, folder = root.rstrip("/").rpartition("/")
    return above, folder


def _writer(said: str) -> Writer:
    """The writer of a format, named alone or with options as in a build file."""
    from corpus import registry
    from corpus.errors import ConfigError
    from pipelines.config.reading import parse_yaml

    spec = parse_yaml(said, "FORMAT") if said.lstrip().startswith("{") else {"use": said}
    if not isinstance(spec, dict) or not isinstance(spec.get("use"), str):
        raise ConfigError("FORMAT", said, "a format's name, or {use: NAME, OPTION: …}")
    options = {name: value for name, value in spec.items() if name != "use"}
    cls = registry.lookup("writer", spec["use"], "FORMAT")
    try:
        return cls(**options)
    except TypeError as error:
        raise ConfigError("FORMAT", str(error), f"an option of {spec['use']}") from None


def _opened(source: str) -> tuple[str, dict[str, Any] | None]:
    """Where FORMAT/FILE are, and the receipt beside them if there is one."""
    import os

    from corpus.errors import ConfigError, MissingFile
    from corpus.store import Store

    if source.endswith((".yaml", ".yml")):
        from pipelines.config.load import load_build

        build = load_build(source)
        store, folder = Store(build.store_url), f"builds/{build.name}"
        if not store.exists(f"{folder}/receipt.json"):
            raise MissingFile(store.full(f"{folder}/receipt.json"), remedy=f"make the shards first: corpus build {source}")
    elif "://" not in source and not os.path.isdir(source):
        raise MissingFile(source, "SOURCE", "a build file, or a folder with receipt.json and shards/")
    else:
        store, folder = Store(source), ""
    receipt = store.read_json(os.path.join(folder, "receipt.json"))
    if receipt is not None and (not isinstance(receipt, dict) or receipt.get("schema") != 2):
        raise ConfigError(f"{source}/receipt.json", "is no receipt of schema 2", "a receipt.json of this release")
    url = store.url.rstrip("/") + (f"/{folder}" if folder else "")
    return (f"{url}/shards" if receipt is not None or store.exists(os.path.join(folder, "shards")) else url), receipt


def _summary(made: dict[str, Any]) -> dict[str, Any]:
    """Format, shards, sequences, tokens, and the receipt's digest (null without one)."""
    if "digest" not in made:
        return {name: made[name] for name in ("format", "shards", "sequences", "tokens", "streams")} | {"receipt": None}
    entries = [entry for entry in made["shards"] if entry["format"] != "index"]
    return {"format": entries[0]["format"], "shards": len(entries), "receipt": made["digest"],
            **{name: sum(entry[name] for entry in entries) for name in ("sequences", "tokens")}}
