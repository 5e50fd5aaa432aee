"""What a trainer has read of another build's shards, beside this build's index: it counts against epochs, and what is new
since then comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.dedup.by_shard import output_name
from corpus.errors import ConfigError, Mismatch, MissingFile, StoreError, UserError
from corpus.mixture.receipt import receipt_digest
from corpus.mixture.receipt_plan import plan_of_receipt, read_up_to
from corpus.mixture.seen import MET, ReadByKey, ReadByShard, ReadCut, Seen
from corpus.results import Shard
from corpus.store import shard_path
from pipelines.config.load import Build
from pipelines.config.places import resolve
from pipelines.receipt import read_receipt
from pipelines.step import Items, Line

#: Rows of both indexes that one partition of the exchange takes, about.
ROWS = 20_000_000


def seen(line: Line, build: Build, index: Items, taxonomy: Items) -> Items | None:
    """Copies read of each row of the index, shard for shard; None where the build follows nothing."""
    options = build.file.mixture.after
    if options is None:
        return None
    receipt = receipt_at(resolve(options.receipt, build.base))
    upto = read_up_to(receipt, options.tokens)
    refuse_other(receipt, build, taxonomy)
    with line.stage("compile"):
        plan, caps = (Items("compile.after", name, (line.given(name, table),))
                      for name, table in zip(("plan", "caps"), plan_of_receipt(receipt)))
        old = frozen(line, receipt, "index")
        before = frozen(line, receipt, "seen") if receipt.get("after") else None
        cut = line.gather("compile.after.cut", ReadCut(upto), {"index": old, "plan": plan, "caps": caps}
                          | ({} if before is None else {"seen": before}))["cut"]
        shared = {"plan": plan, "caps": caps, "cut": cut}
        rows = sum(row["available"]["documents"] for row in receipt["cells"] if row["phase"] == 0) + index.rows
        work = ReadByKey(max(1, -(-rows // ROWS)))
        each = [{"old": old} | ({} if before is None else {"old_seen": before}), {"index": index}]
        met = line.exchange("compile.after.met", work, each, shared)
        dealt = line.exchange("compile.after.read", ReadByShard(work.partitions), [{"met": met["met"]}])
        if not dealt.known:
            return line.map("compile.after.seen", Seen(), {"index": index, "read": dealt["read"]})["seen"]
        by_name = {output.name: output for output in dealt.outputs or ()}
        read = tuple(by_name.get(output_name("read", shard)) or line.empty("read", MET) for shard in index)
        found = {"index": index, "read": Items(dealt.step, "read", read)}
        return line.map("compile.after.seen", Seen(), found)["seen"]


def receipt_at(path: str) -> dict[str, Any]:
    """The receipt in a file, of this release's form."""
    try:
        return read_receipt(path)
    except MissingFile:
        raise MissingFile(path, "mixture.after.receipt", "the receipt.json of the shards that were trained on") from None
    except (Mismatch, UserError) as error:
        wrong = f"{path} is no receipt ({error})"
        raise ConfigError("mixture.after.receipt", wrong, "a receipt.json of this release") from None


def refuse_other(receipt: Mapping[str, Any], build: Build, taxonomy: Items) -> None:
    """Raises ConfigError where the receipt's documents would not be found again here."""
    attributes = list(receipt.get("mixture", {}).get("cells", []))
    mine = next((item.digest for item in taxonomy), None)
    for what, there, here, remedy in (
        ("seed", receipt["seed"], build.seed, f"seed: {receipt['seed']} in the build file"),
        ("cells", attributes, list(build.file.cells), f"cells: [{', '.join(attributes)}] in the build file"),
        ("taxonomy", receipt["taxonomy"], mine or receipt["taxonomy"], "the taxonomy that the receipt's build fitted: "
         "a build of the same name and store, without `refit`"),
    ):
        if there != here:
            raise ConfigError("mixture.after.receipt", f"is of another {what} ({there}; this build's is {here})", remedy)


def frozen(line: Line, receipt: Mapping[str, Any], name: str) -> Items:
    """Shards of the store that a receipt names by digest."""
    found = []
    for digest in (receipt.get("frozen") or {}).get(name) or []:
        path = shard_path(digest)
        if not line.store.exists(path):
            raise StoreError(f"mixture.after.receipt: the {name} of '{receipt['build']}' is no longer in {line.store.url} "
                             f"({path}); run that build again with its own files")
        found.append(Shard(name, path, digest, "", 0, 0))
    if not found:
        raise StoreError(f"mixture.after.receipt: the receipt of '{receipt['build']}' does not name its {name}; "
                         "make it anew")
    return Items("compile.after", name, tuple(found))


def said_of(build: Build) -> dict[str, Any] | None:
    """What the receipt says of it."""
    options = build.file.mixture.after
    if options is None:
        return None
    return {"receipt": receipt_digest(receipt_at(resolve(options.receipt, build.base))), "tokens": options.tokens}
