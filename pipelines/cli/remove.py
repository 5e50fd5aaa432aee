"""`corpus remove`: documents out of a build and its store, now and in every later crawl."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.build import BuildPath, Json, On, Workers

Many = list[str] | None
DATE = r"\d{4}-\d{2}-\d{2}"
SHOWN = 20


def remove(
    build: BuildPath,
    id_: Annotated[Many, typer.Option("--id", help="A document's id, as `corpus explain` has it. May be repeated.")] = None,
    url: Annotated[Many, typer.Option(help="An address; later crawls of it stay out too. May be repeated.")] = None,
    host: Annotated[
        Many,
        typer.Option(help="A host, with and without www; .example.org is all below it. Stays out. May be repeated."),
    ] = None,
    after: Annotated[str | None, typer.Option(metavar="DATE", help="Dated YYYY-MM-DD or later.")] = None,
    before: Annotated[str | None, typer.Option(metavar="DATE", help="Dated before YYYY-MM-DD.")] = None,
    text_digest: Annotated[
        Many, typer.Option(metavar="HEX", help="The digest of a text's matching form. May be repeated.")
    ] = None,
    text: Annotated[
        Many, typer.Option(metavar="FILE", help="A text: all documents near it, by dedup's threshold. May be repeated.")
    ] = None,
    ids_file: Annotated[str | None, typer.Option(metavar="FILE", help="Ids and addresses, one a line.")] = None,
    near: Annotated[
        str,
        typer.Option(help="Near-duplicates of what is named: remove them, or promote one: the next build keeps it."),
    ] = "remove",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; write nothing.")] = False,
    purge: Annotated[
        bool,
        typer.Option(
            "--purge",
            help="Afterwards mask the text in every artefact of the store. Alone: of all that was ever removed.",
        ),
    ] = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="After a purge, look for runs of 20 words of it in every file of the store.")
    ] = False,
    no_build: Annotated[bool, typer.Option("--no-build", help="Only write the tombstones.")] = False,
    note: Annotated[str, typer.Option(help="Who asked, or why; kept in the removal's receipt.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    on: On = None,
    workers: Workers = None,
    json_: Json = False,
) -> None:
    """Remove documents, what is near them and what was made from them, and make the build again without.

    What different options name is removed together, but for --host, --after and --before: these narrow one another. A
    document made from another names it by the field `parent` that its source carries along: an id, the id of the parent's
    record, or its address.
    """
    from corpus.errors import UserError
    from pipelines import removal
    from pipelines.audit import audit as look
    from pipelines.audit import wanted_of
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for

    if near not in ("remove", "promote"):
        raise UserError(f"--near {near}: either remove or promote")
    if purge and no_build:
        raise UserError("--purge with --no-build: what builds still draw cannot be masked; leave out --no-build")
    if audit and not purge:
        raise UserError("--audit looks at what a purge has left; add --purge")
    asked = _asked(id_, url, host, after, before, text_digest, text, ids_file)
    if asked.nothing and not purge:
        raise UserError("nothing is named: --id, --url, --host, --after, --before, --text-digest, --text or --ids-file")
    loaded = load_build(build)
    told: dict[str, Any] = {}
    placement, progress = load_placement(on, workers), progress_for(quiet=json_)
    if not asked.nothing:
        found = removal.find(loaded, asked, near == "promote")
        told = found.told()
        if not len(found.chosen.ids) and not (asked.rules or asked.digests or asked.texts):
            raise UserError(f"no record is meant: looked at the {found.looked:,} records of build '{loaded.name}'")
        if not len(found.chosen.ids) and not dry_run and not yes:
            raise UserError(
                f"no record is meant: looked at the {found.looked:,} records of build '{loaded.name}'; "
                "with --yes the rule is kept for later crawls all the same"
            )
        if not json_:
            print(_plan(loaded.name, found, dry_run))
    if dry_run:
        if json_:
            print(as_json(told))
        return
    if not yes and sys.stdin.isatty() and not typer.confirm("Remove these from the store, and keep them out?"):
        raise UserError("nothing was removed")
    name = None
    if not asked.nothing:
        name, fresh = removal.remove(loaded, asked, found, near == "promote", note)
        told |= {"removal": name, "tombstones": fresh}
        if not json_:                       # said now: they are there whatever becomes of the build
            print(f"{loaded.name}: {fresh:,} new tombstones; receipt builds/{loaded.name}/removals/{name}.json")
    if not no_build:
        outcome = removal.run_build(loaded, placement, progress) if name is None else None
        if name is not None:
            outcome, receipt = removal.rebuild(loaded, name, placement, progress)
            told["shards_compared"] = receipt["shards"]
        told["receipt"] = outcome.receipt_digest
    if purge:
        ids = removal.purgeable(loaded)
        wanted = wanted_of(loaded, ids) if audit else None
        done = removal.purge_all(loaded, ids, lambda what: None if json_ else print(what, file=sys.stderr))
        told["purged"] = removal.told_purge(done)
        if wanted is not None:
            told["audit"] = {"runs": len(wanted.runs), "hits": [vars(hit) for hit in look(loaded, wanted)]}
    if said := as_json(told) if json_ else _ending(told):
        print(said)
    if told.get("audit", {}).get("hits"):
        raise typer.Exit(1)


def _go(n: int, dry_run: bool) -> str:
    return "would go" if dry_run else "goes" if n == 1 else "go"


def _asked(ids: Many, urls: Many, hosts: Many, after: str | None, before: str | None, digests: Many, texts: Many,
           ids_file: str | None):
    import re

    from corpus.document import parse_id
    from corpus.errors import MissingFile, UserError
    from corpus.removal.choose import Asked, normal_host

    urls, raw = list(urls or ()), []
    named = [("--id", i) for i in ids or ()]
    if ids_file is not None:
        try:
            lines = Path(ids_file).read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            raise MissingFile(ids_file, "--ids-file") from None
        except UnicodeDecodeError:
            raise UserError(f"--ids-file {ids_file}: is no UTF-8") from None
        for line in (line.strip() for line in lines):
            if "://" in line:
                urls.append(line)
            elif line and not line.startswith("#"):
                named.append((f"{ids_file}", line))
    for where, shown in named:
        parsed = parse_id(shown)
        if parsed is None:
            raise UserError(f"{where}: {shown!r} is no id; ids have 26 letters and digits, as `corpus explain` shows them")
        raw.append(parsed)
    for option, value in (("--after", after), ("--before", before)):
        if value is not None and not _is_date(value):
            raise UserError(f"{option} {value}: a date is written YYYY-MM-DD")
    if after is not None and before is not None and after >= before:
        raise UserError(f"--after {after} --before {before}: no day is both")
    for option, values, named_by in (("--url", urls, str.strip), ("--host", hosts or (), normal_host)):
        for value in values:
            if not named_by(value).strip("."):
                raise UserError(f"{option} {value!r}: names nothing")
    for digest in digests or ():
        if not re.fullmatch(r"[0-9a-f]{32}", digest):
            raise UserError(f"--text-digest {digest}: a digest has 32 hex digits")
    read = []
    for file in texts or ():
        try:
            read.append(Path(file).read_text(encoding="utf-8"))
            if not re.search(r"\w", read[-1]):
                raise UserError(f"--text {file}: has no words")
        except FileNotFoundError:
            raise MissingFile(file, "--text") from None
        except UnicodeDecodeError:
            raise UserError(f"--text {file}: is no UTF-8") from None
    return Asked(tuple(raw), tuple(urls), tuple(normal_host(h) for h in hosts or ()), after, before,
                 tuple(bytes.fromhex(d) for d in digests or ()), tuple(read))


def _is_date(value: str) -> bool:
    import datetime
    import re

    try:
        return re.fullmatch(DATE, value) is not None and datetime.date.fromisoformat(value) is not None
    except ValueError:
        return False


def _plan(name: str, found, dry_run: bool) -> str:
    from corpus.document import show_id
    from pipelines.cli.text import plain, table

    rows = found.chosen.documents.to_pylist()
    why: dict[str, int] = {}
    for row in rows:
        why[row["why"]] = why.get(row["why"], 0) + 1
    said = ", ".join(f"{kind} {n:,}" for kind, n in why.items())
    lines = [
        f"{name}: {len(rows):,} record{'' if len(rows) == 1 else 's'} {_go(len(rows), dry_run)} ({said or 'none'}); "
        f"{found.kept:,} of them {'is a kept document' if found.kept == 1 else 'are kept documents'} "
        f"with {found.tokens:,} tokens"
    ]
    lines += [f"  {show_id(r['id'])}  {r['why']:<5} {plain(r['url'] or '')}"
              + (f"  Jaccard {r['jaccard']:.3f}" if r["jaccard"] else "") for r in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"  and {len(rows) - SHOWN:,} more")
    if found.cells:
        sums = [(cell, f"{d:,}", f"{t:,}") for cell, (d, t) in sorted(found.cells.items(), key=lambda c: -c[1][1])]
        lines.append(table(("cell", "documents", "tokens"), sums, right=(1, 2)))
    if found.shards:
        lines.append(f"copies: {found.copies:,}, in shards {', '.join(map(str, found.shards[:SHOWN]))}")
    near = found.chosen.near.to_pylist()
    if near:
        lines.append(f"near, and staying: {len(near):,}")
        lines += [f"  {show_id(r['id'])}  {plain(r['url'] or '')}" for r in near[:SHOWN]]
    if found.chosen.undated:
        lines.append(f"{found.chosen.undated:,} records have no date, or none as YYYY-MM-DD: no rule of dates is about them")
    missing = found.chosen.missing
    if missing:
        lines.append(f"no record of this build: {', '.join(map(plain, missing[:SHOWN]))}"
                     + (f" and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""))
    if found.models:
        lines.append("fitted on some of them, and left as they are: " + ", ".join(m["step"] for m in found.models))
    if found.files:
        lines.append("in the sources, which stay as they are:")
        lines += [f"  {plain(f['file'])} at {f['offset']:,}" for f in found.files[:SHOWN]]
        if len(found.files) > SHOWN:
            lines.append(f"  and {len(found.files) - SHOWN:,} more (--json names all)")
    return "\n".join(lines)


def _ending(told: dict[str, Any]) -> str:
    lines = []
    if "shards_compared" in told:
        s = told["shards_compared"]
        lines.append(f"written files: {s['equal']:,} are byte-equal, {s['changed']:,} changed, {s['new']:,} are new, "
                     f"{s['gone']:,} are gone")
    if "purged" in told:
        p = told["purged"]
        lines.append(f"purged {p['documents']:,} documents: {p['masked']:,} artefacts masked, {p['deleted']:,} deleted, "
                     f"{p['renewed']:,} records renewed")
        if p["builds"]:
            lines.append("written shards of other builds held them and were deleted; build these again: "
                         + ", ".join(p["builds"]))
    if "audit" in told:
        hits = told["audit"]["hits"]
        if not told["audit"]["runs"]:
            lines.append("audit: nothing to look for; no text of 20 words and more of theirs was there before this purge")
        lines.append(f"audit: {told['audit']['runs']:,} runs of words, {len(hits):,} files hold any")
        lines += [f"  {h['path']} ({h['where']}): {h['runs']:,}" for h in hits[:SHOWN]]
    return "\n".join(lines)
