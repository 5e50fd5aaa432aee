"""The build file as types. Identity only: nothing here says where or how fast anything runs (that is an engine file).

Operators are written `{use: NAME, option: value, ...}`, or just `NAME`; their options are checked against the
operator itself by `load`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Spec = str | dict[str, Any]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
# a name is a folder of the store, a part of cells' names and of messages
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=100)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Source(Part):
    """Where raw records come from: paths, globs or URLs, relative to the build file."""

    name: Name
    files: str | list[str]
    reader: Spec | None = None  # told from the file's name where absent
    shard_records: Count = 1024
    licence: Annotated[str, Field(min_length=1)] | None = None  # of every record that states none itself


class RuleSpec(Part):
    """Either a preset by name, or one bound on one signal."""

    preset: str | None = None
    signal: str | None = None
    reason: Annotated[str, Field(min_length=1)] | None = None
    low: float | None = None
    high: float | None = None
    among: list[str] | None = None
    languages: Annotated[list[str], Field(min_length=1)] | None = None  # the rule is for these languages alone ...
    other_than: Annotated[list[str], Field(min_length=1)] | None = None  # ... or for all but these


class Licence(Part):
    """Which licences a document may have. `permissive` is a list of our own (docs/build-file.md); others are named."""

    admit: Literal["permissive"] | Annotated[list[str], Field(min_length=1)] = "permissive"
    strict: bool = False  # the build stops where a document's licence is not known; else such documents are dropped


class Filter(Part):
    signals: list[Spec] = ["gopher_quality", "gopher_repetition", "language"]
    rules: list[str | RuleSpec] = ["gopher"]
    buckets: list[str] = []  # columns of scores whose buckets of equally many documents make `quality_bucket`
    licence: Literal["permissive"] | Licence | None = None
    robots: list[Annotated[str, Field(min_length=1)]] = []  # agents whose robots.txt rules are looked up for each document
    max_dropped: Share = 0.95  # the build stops when more than this share is dropped


class Dedup(Part):
    ngram: Count = 5
    bands: Count = 20  # at Jaccard 0.8, 99.1 % of the pairs meet in 20 of 7; 92.4 % in FineWeb's 14 of 8
    rows: Count = 7
    threshold: Share = 0.8
    partitions: Count = 16
    keep: Literal["longest", "score", "oldest", "source"] = "longest"  # which document of a group stays
    score: str | None = None  # of keep: score, the column that says which is best
    source_order: list[str] | None = None  # of keep: source, best first
    urls: bool = False  # one address is one document, whatever its texts
    against: list[Name] = []  # builds of the same store whose documents are older and stay


class Decontaminate(Part):
    """Overlap with evaluation sets, measured for each document; rules say what follows from it."""

    against: Annotated[list[str], Field(min_length=1)]  # files of items, or olmo:NAME
    ngram: Annotated[int, Field(ge=8, le=13)] = 13
    min_words: Annotated[int, Field(ge=5, le=13)] = 8  # shorter questions are listed and not looked for
    max_questions: Count = 10  # a run of words that more questions share says nothing
    fields: list[str] = []  # members of an item that make its question; none: as the item's form is known
    answer: list[str] = []
    rephrased: bool = False  # also the nearest item by the build's encoder
    window: Annotated[int, Field(ge=0)] = 64  # words embedded at a time for that; 0: the document's beginning


class Freeze(Part):
    group: Count = 4                      # about this many input shards become one frozen shard


class Quality(Part):
    """A fastText score, trained by the build from labelled sources: P(text is like `positive`), 0 to 1."""

    positive: Annotated[list[str], Field(min_length=1)]
    negative: Annotated[list[str], Field(min_length=1)]
    epochs: Count = 5  # small sets of examples want more of both
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    max_documents: Count = 20_000


class Cluster(Part):
    k: Count = 1000
    iterations: Count = 25
    sample: Annotated[int, Field(ge=0)] = 0  # documents to fit on; 0: 256 a cluster
    neighbours: bool = False  # also each document's nearest other one in its cluster


class Domains(Part):
    prune_below: Share = 0.0  # clusters whose mean quality is under this are pruned
    min_documents: Count = 1
    merge_to: Count | None = None  # this many domains ...
    merge_distance: Annotated[float, Field(gt=0)] = 1.5  # ... or, without merge_to, Ward's height at which merging stops
    meta_l2: Annotated[float, Field(ge=0)] = 1e-5


class Limit(Part):
    """A bound on the tokens of all cells with this attribute value, as a share of the mixture; or, with `within`, as a share
    of the tokens of every value of that other attribute (synthetic text within each domain).
    """

    attribute: str
    value: str
    low: Share = 0.0
    high: Share = 1.0
    within: str | None = None


class Search(Part):
    method: Spec = "natural"
    targets: str | list[str] | None = None
    target_reader: Spec | None = None
    samples: Count = 1000
    limits: list[Limit] = []


class Cap(Part):
    """A bound on what any one value of an attribute may have of all tokens written: hosts, authors, licences. Documents
    over it are left out of the draw.
    """

    attribute: str  # host, or a column of words
    high: Annotated[float, Field(gt=0, le=1)]
    value: str | None = None  # this value alone; otherwise each value for itself


class Phase(Part):
    """One stretch of a schedule."""

    tokens: Count
    weights: dict[str, Share] | str | None = None  # none: the build's mixture
    ramp_tokens: Annotated[int, Field(ge=0)] = 0  # of its own tokens, on the way from the phase before to these weights


class After(Part):
    """What a trainer has read already: the first tokens of the shards that another receipt describes, in shard order."""

    receipt: str
    tokens: Annotated[int, Field(ge=0)]


class Holdout(Part):
    """Documents that no build of this store draws, nor anything near them. Drawn once, by document, and then frozen."""

    name: Name
    tokens: Count


class Mixture(Part):
    budget_tokens: Count
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    on_shortfall: Literal["refuse", "shrink", "redistribute"] = "refuse"
    shard_tokens: Count = 100_000_000
    weights: dict[str, Share] | str | None = None  # a given mixture, or a file of one, instead of a search
    carry: bool = False  # weights found on other data of the same taxonomy are used all the same
    caps: list[Cap] = []
    schedule: list[Phase] = []  # tokens that sum to the budget
    after: After | None = None
    holdout: Holdout | None = None


class Pack(Part):
    """How documents become sequences: as they are; end to end and cut every `length` tokens; or whole into sequences of
    `length` where they fit best (Ding et al. 2024).
    """

    use: Literal["documents", "concatenate", "best_fit"] = "documents"
    length: Count | None = None
    rest: Literal["drop", "pad"] = "drop"  # of concatenate: what does not fill the last sequence of a shard


class BuildFile(Part):
    """One build. Paths are relative to the file."""

    version: Literal[1]
    name: Name
    store: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sources: Annotated[list[Source], Field(min_length=1)]
    extract: Spec = "blocks"
    edits: list[Spec] = []
    filter: Filter = Filter()
    decontaminate: Decontaminate | None = None
    dedup: Dedup = Dedup()
    freeze: Freeze = Freeze()
    tokens: Spec = "pin"
    quality: Quality | None = None
    embed: Spec = "sentence"
    cluster: Cluster = Cluster()
    domains: Domains = Domains()
    cells: Annotated[list[str], Field(min_length=1)] = ["domain", "source"]
    search: Search = Search()
    mixture: Mixture
    retokenize: Spec | None = None  # the shards' tokenizer, where it is not the one that documents were drawn by
    pack: Pack = Pack()
    shards: Annotated[list[Spec], Field(min_length=1)] = ["climbmix"]
