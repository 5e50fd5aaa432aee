"""All exchanges of dedup in order over a store, in this process, without an engine."""

import pyarrow as pa

from corpus.dedup.by_shard import DECIDED, Ask, Deal, output_name
from corpus.dedup.candidates import Candidates
from corpus.dedup.components import Groups, Keepers
from corpus.dedup.members import Members
from corpus.dedup.shingle import Shingle
from corpus.dedup.stars import LargeStar, SmallStar, star_partitions
from corpus.dedup.verify import Verify
from corpus.document import DOCUMENT, ID
from corpus.exchange import exchange
from corpus.tasks import Task, execute

SHINGLE = Shingle(bands=30, rows=3)


def ident(i):
    return i.to_bytes(2, "big") * 8


def documents_of(texts, ids=None, **columns):
    n = len(texts)
    given = {"id": pa.array([ident(i) for i in (ids or range(n))], ID), "text": pa.array(texts, pa.large_string())} | columns
    return pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in DOCUMENT], schema=DOCUMENT)


class Dedup:
    """All exchanges over tables of documents, one source shard each, or of shingles. old: (shingles, groups)
    of an earlier one. `largest`: the most rows that a partition of each exchange had.
    """

    def __init__(self, store, tables, partitions=4, order=1, most=100, standing=None, old=()):
        self.store, self.order, self.largest = store, order, {}
        sources = [store.write_shard("documents", t) for t in tables]
        if "shingles" in tables[0].column_names:
            self.shingles = [store.write_shard("shingles", t) for t in tables]
        else:
            self.shingles = [self.do(SHINGLE, documents=[s]).of("shingles")[0] for s in sources]
        new = [{"shingles": [s]} for s in self.shingles]
        if standing is not None:
            new = [i | {"standing": self.do(standing, documents=[s]).of("standing")} for i, s in zip(new, sources)]
        earlier = [{"old_shingles": [s], "old_groups": [g]} for s, g in old]
        found = self.through(Candidates(partitions), new + earlier)
        self.pairs = self.named(found, "pairs")
        asked = {o.name: o for r in self.through(Ask(partitions), [{"pairs": [p]} for p in self.pairs]) for o in r.outputs}
        wanted = {s.digest: (s, asked[output_name("asked", s)]) for s in [*self.shingles, *(s for s, _ in old)]
                  if output_name("asked", s) in asked}
        verify = self.through(Verify(partitions), [{"shingles": [s], "asked": [a]} for s, a in wanted.values()])
        self.edges = self.named(verify, "edges")
        stars = self.stars(self.edges + self.named(found, "links"), most)
        members = self.through(Members(partitions), [{"stars": [s]} for s in stars] + [{"edges": [e]} for e in self.edges]
                               + new + earlier)
        inputs = [{name: [s]} for name in ("members", "edges") for s in self.named(members, name)]
        decided = self.named(self.through(Keepers(partitions), inputs), "decided")
        dealt = {o.name: o for r in self.through(Deal(partitions), [{"decided": [d]} for d in decided]) for o in r.outputs}
        nothing = store.write_shard("decided", DECIDED.empty_table())
        self.records = [self.do(Groups(), shingles=[s], decided=[dealt.get(output_name("decided", s), nothing)])
                        for s in self.shingles]
        self.groups = [r.of("groups")[0] for r in self.records]

    def stars(self, edges, most):
        n = star_partitions(sum(e.rows for e in edges), most)
        records = self.through(SmallStar(n), [{"edges": [e]} for e in edges])
        self.rounds = 1
        while n > 1:
            stars = self.named(records, "stars")
            self.rounds += 1
            records = self.through((LargeStar if self.rounds % 2 == 0 else SmallStar)(n), [{"stars": [s]} for s in stars])
            if self.rounds % 2 == 0 and not sum(r.counts.get("unsettled", 0) for r in records):
                break
        return self.named(records, "stars")

    def do(self, body, **inputs):
        return execute(Task(body.name, body, inputs, self.store))

    def through(self, work, inputs):
        rows = {}

        def run(tasks):
            for record in map(execute, tasks[:: self.order]):
                for part in (p for run in record.of("run") for p in run.parts):
                    rows[part.partition] = rows.get(part.partition, 0) + part.rows
                yield record

        records = sorted(exchange(work.name, work, inputs, self.store, run), key=lambda r: r.extra["partition"])
        self.largest[work.name] = max([self.largest.get(work.name, 0), *rows.values()])
        return records

    def named(self, records, name):
        return [o for r in records for o in r.of(name)]

    def rows(self, shards):
        return pa.concat_tables(self.store.read_shard(s) for s in shards)

    @property
    def verdicts(self):
        return self.rows(self.groups).to_pylist()
