"""Exact and near duplicates: MinHash bands propose pairs of texts, exact Jaccard of word shingles decides, groups keep one
document each. Memory is that of one partition: `partitions` parts the exchanges that carry bands and shingles, and those
that carry ids alone are parted by how many rows there are, so that a small build has few tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.dedup.by_shard import DECIDED, Ask, Deal, output_name
from corpus.dedup.candidates import Candidates
from corpus.dedup.components import Groups, Keepers
from corpus.dedup.members import Members
from corpus.dedup.shingle import Shingle
from corpus.dedup.standing import Standing
from corpus.dedup.stars import LargeStar, SmallStar, star_partitions
from corpus.dedup.verify import Verify
from corpus.errors import ConfigError
from corpus.registry import identity
from corpus.results import Shard
from pipelines.config.load import Build
from pipelines.plan import differences, read_state, result_of
from pipelines.stages.ghosts import signed
from pipelines.step import Items, Line, Result

Inputs = dict[str, Items]

ROWS_A_PARTITION = 1_000_000  # of those that carry ids alone; about 100 bytes each


def stage(line: Line, build: Build, filtered: Result) -> Result:
    options = build.file.dedup
    shingle, partitions = Shingle(options.ngram, options.bands, options.rows), options.partitions
    with line.stage("dedup"):
        shingles = line.map("dedup.shingles", shingle, {"documents": filtered["documents"]})["shingles"]
        new = {"shingles": shingles}
        if options.keep != "longest" or options.urls:
            new["standing"] = standing(line, build, filtered)
        old = earlier(line, build, shingle)
        documents = [distinct(new), *old]
        found = line.exchange("dedup.pairs", Candidates(partitions), documents)
        asked = line.exchange("dedup.asked", Ask(parted(found["pairs"])), [{"pairs": found["pairs"]}])
        sources = {s.digest: s for each in documents for s in each.get("shingles", each.get("old_shingles", ()))}
        edges = line.exchange(
            "dedup.verify", Verify(partitions, options.threshold), [of_shards(asked, list(sources.values()))]
        )["edges"]
        stars = rounds(line, edges, found["links"])
        thin = parted(shingles, *(each["old_shingles"] for each in old))
        members = line.exchange("dedup.members", Members(thin), [{"stars": stars}, {"edges": edges}, *documents])
        keepers = line.exchange(
            "dedup.keepers", Keepers(parted(members["members"])), [{n: members[n]} for n in ("members", "edges")]
        )
        dealt = line.exchange("dedup.decided", Deal(parted(keepers["decided"])), [{"decided": keepers["decided"]}])
        return line.bodies("dedup.groups", *verdicts(line, shingles, dealt))


def parted(*items: Items) -> int:
    """In how many partitions all rows of some inputs go."""
    return star_partitions(sum(i.rows for i in items), ROWS_A_PARTITION)


def standing(line: Line, build: Build, filtered: Result) -> Items:
    """What the keeper rule compares, of each document."""
    options = build.file.dedup
    body = Standing(options.keep, options.score, tuple(options.source_order or ()), options.urls)
    each = {"documents": filtered["documents"]}
    if options.keep == "score":
        each["marks"] = filtered["marks"]
    return line.map("dedup.standing", body, each)["standing"]


def rounds(line: Line, edges: Items, links: Items) -> Items:
    """Components of all edges, as stars. How many rounds that takes is known when it is done: none is planned ahead."""
    partitions = star_partitions(edges.rows + links.rows)
    found = line.exchange("dedup.components", SmallStar(partitions), [{"edges": edges}, {"links": links}])
    number = 1
    while partitions > 1 and found.known:
        number += 1
        work = LargeStar(partitions) if number % 2 == 0 else SmallStar(partitions)
        found = line.exchange(f"dedup.components.{number}", work, [{"stars": found["stars"]}])
        if number % 2 == 0 and found.known and not found.counts.get("unsettled", 0):
            break
    return found["stars"]


def distinct(each: Inputs) -> Inputs:
    """Aligned inputs, those with the same shingles once."""
    if not all(items.known for items in each.values()):
        return each
    first = {shard.digest: i for i, shard in reversed(list(enumerate(each["shingles"])))}
    at = sorted(first.values())
    return {name: Items(items.step, name, tuple(tuple(items)[i] for i in at)) for name, items in each.items()}


def of_shards(asked: Result, shards: Sequence[Shard]) -> Inputs:
    """Source shards that something was asked of, beside what it was."""
    if not asked.known:
        return {"asked": asked["asked"]}
    by_name = {o.name: o for o in asked.outputs or ()}
    some = [shard for shard in shards if output_name("asked", shard) in by_name]
    wanted = tuple(by_name[output_name("asked", shard)] for shard in some)
    return {"shingles": Items("dedup.shingles", "shingles", tuple(some)), "asked": Items(asked.step, "asked", wanted)}


def verdicts(line: Line, shingles: Items, dealt: Result) -> tuple[list[Groups], Inputs]:
    """A body for each source shard, and the shard beside what was decided of it."""
    if not dealt.known:
        return [], {"decided": dealt["decided"]}
    by_name = {o.name: o for o in dealt.outputs or ()}
    seen: set[str] = set()
    bodies, decided = [], []
    for shard in shingles:
        bodies.append(Groups(again=shard.digest in seen))
        seen.add(shard.digest)
        decided.append(by_name.get(output_name("decided", shard)) or line.empty("decided", DECIDED))
    return bodies, {"shingles": shingles, "decided": Items(dealt.step, "decided", tuple(decided))}


def earlier(line: Line, build: Build, shingle: Shingle) -> list[Inputs]:
    """Shingles and groups of what wins over this build's documents: the builds that it is deduplicated against, and what
    was removed or held out, so that nothing near it comes in.
    """
    found = [_of_build(line, build, name, shingle) for name in build.file.dedup.against]
    kept_out = signed(line, shingle)
    return found if kept_out is None else [kept_out, *found]


def _of_build(line: Line, build: Build, name: str, shingle: Shingle) -> Inputs:
    state, found = read_state(line.store, name), {}
    wanted = {"dedup.shingles": "shingles", "dedup.groups": "groups"}
    if build.file.dedup.urls:
        wanted["dedup.standing"] = "standing"
    for step, output in wanted.items():
        entry = state.get(step)
        manifest = entry and line.store.read_json(line.manifest_path(entry["key"]))
        if not manifest:
            raise ConfigError("dedup.against", f"'{name}' has no finished '{step}' in {line.store.url}",
                              "a finished build of the same store" + (" with dedup.urls" if output == "standing" else ""))
        found[f"old_{output}"] = result_of(step, manifest)[output]
    if changed := differences(state["dedup.shingles"]["identity"], identity(shingle)):
        raise ConfigError("dedup.against", f"'{name}' was shingled otherwise ({'; '.join(changed)})",
                          "the options of that build, or that build made anew")
    return found
