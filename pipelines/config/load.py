"""From a build file to a `Build`: operators made, names looked up, paths resolved, and everything that can be wrong said
before any work starts, with its place in the file and the nearest right word.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from corpus.errors import ConfigError, UnknownName
from corpus.operators import Annotator, Editor, Extractor, Operator, Rule, Writer
from corpus.signals.permissive import licence_rules, record_licence
from pipelines import operators
from pipelines.config import schema
from pipelines.config.checks import check_cells, check_keeper, check_limits, check_mixture, measured, refuse_twice
from pipelines.config.make import located, make_operator, option_of
from pipelines.config.messages import first_error
from pipelines.config.places import check_store, resolve
from pipelines.config.reading import read_yaml
from pipelines.config.rules import make_rules
from pipelines.config.sources import SourceOf, source_of

if TYPE_CHECKING:
    from corpus.mixture.weights import WeightsFile


@dataclass(frozen=True)
class Build:
    """A build file whose operators exist. `file` is what the file said; `where` its path; `base` its folder."""

    where: str
    base: str
    file: schema.BuildFile
    store_url: str
    sources: tuple[SourceOf, ...]
    extractor: Extractor
    editors: tuple[Editor, ...]
    signals: tuple[Annotator, ...]
    rules: tuple[Rule, ...]
    tokenizer: Operator
    encoder: Annotator
    method: Operator
    targets: SourceOf | None
    writers: tuple[Writer, ...]
    pack: Operator
    retokenizer: Operator | None
    given: dict[str, WeightsFile]  # files of weights, by the place that names them

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def seed(self) -> int:
        return self.file.seed


def load_build(path: str) -> Build:
    """Reads and checks a build file. Every error is a `UserError` whose message starts with the file's name."""
    operators.load()
    where = os.fspath(path)
    with located(where):
        return _make(where, _parse(where))


def remade(build: Build, file: schema.BuildFile) -> Build:
    """The build that a changed file makes, from the same place."""
    with located(build.where):
        return _make(build.where, file)


def _parse(where: str) -> schema.BuildFile:
    raw = read_yaml(where, remedy="make one with: corpus init FILE...")
    if not isinstance(raw, dict):
        raise ConfigError(where, "not a build file", "keys such as version, name, store, sources, mixture")
    try:
        return schema.BuildFile.model_validate(raw)
    except ValidationError as error:
        raise first_error(error, schema.BuildFile, raw) from None


def _make(where: str, file: schema.BuildFile) -> Build:
    base = os.path.dirname(os.path.abspath(where))
    seen: set[str] = set()
    sources = []
    for i, s in enumerate(file.sources):
        if s.name in seen:
            raise ConfigError(f"sources[{i}].name", f"'{s.name}' is there twice", "a name of its own")
        seen.add(s.name)
        if s.licence is not None and record_licence(s.licence) is None:
            raise ConfigError(f"sources[{i}].licence", f"'{s.licence}' is no licence that is known", "an SPDX id: CC-BY-4.0")
        sources.append(source_of(s.name, s.files, s.reader, s.shard_records, f"sources[{i}]", base, s.licence))
    store_url = resolve(file.store, base)
    check_store(store_url)
    signals = tuple(make_operator("signal", s, f"filter.signals[{i}]", base) for i, s in enumerate(file.filter.signals))
    for i, signal in enumerate(signals):
        with option_of(f"filter.signals[{i}]", vars(signal)):  # a schema may be told from a model's own file
            signal.schema()
    refuse_twice([s.schema().names for s in signals], "filter.signals")
    editors = tuple(make_operator("editor", s, f"edits[{i}]", base) for i, s in enumerate(file.edits))
    refuse_twice([[e.name] for e in editors], "edits")
    columns = measured(file, signals)
    rules = make_rules(file.filter.rules, columns, "filter.rules") + admission_rules(file.filter)
    check_cells(file.cells, columns)
    check_mixture(file, columns)
    file, given = with_weights(file, base)
    check_keeper(file.dedup, columns, seen, file.name)
    for side in ("positive", "negative"):
        for i, name in enumerate(getattr(file.quality, side, ())):
            if name not in seen:
                raise UnknownName("source", name, seen, f"quality.{side}[{i}]")
            if side == "negative" and name in file.quality.positive:
                raise ConfigError(f"quality.negative[{i}]", f"'{name}' is positive too", "a source on one side only")
    method = make_operator("optimizer", file.search.method, "search.method", base)
    if file.mixture.weights is not None:
        method = make_operator(
            "optimizer", {"use": "given", "weights": sorted(file.mixture.weights.items())}, "mixture", base
        )
    targets = None
    if file.search.targets is not None:
        targets = source_of("target", file.search.targets, file.search.target_reader, 1024, "search.targets", base)
    elif getattr(method, "needs_target", False):
        raise ConfigError("search.targets", "is missing", f"files of target texts for the method '{method.name}'")
    if file.domains.prune_below > 0 and file.quality is None:
        raise ConfigError(
            "domains.prune_below", "prunes by quality, but the build has no quality score", "a 'quality' section"
        )
    check_limits(file, seen)
    writers = tuple(make_operator("writer", s, f"shards[{i}]", base) for i, s in enumerate(file.shards))
    refuse_twice([[w.name] for w in writers], "shards")
    return Build(
        where=where,
        base=base,
        file=file,
        store_url=store_url,
        sources=tuple(sources),
        extractor=make_operator("extractor", file.extract, "extract", base),
        editors=editors,
        signals=signals,
        rules=rules,
        tokenizer=make_operator("tokenizer", file.tokens, "tokens", base),
        encoder=make_operator("encoder", file.embed, "embed", base),
        method=method,
        targets=targets,
        writers=writers,
        pack=make_operator("pack", pack_spec(file.pack, file.mixture), "pack", base),
        retokenizer=None if file.retokenize is None else make_operator("tokenizer", file.retokenize, "retokenize", base),
        given=given,
    )


def with_weights(file: schema.BuildFile, base: str) -> tuple[schema.BuildFile, dict[str, WeightsFile]]:
    """The file with every mixture that it names by a path read, and what was read, by its place."""
    mixture = file.mixture
    places = {"mixture.weights": mixture.weights}
    places |= {f"mixture.schedule[{i}].weights": phase.weights for i, phase in enumerate(mixture.schedule)}
    paths = {place: path for place, path in places.items() if isinstance(path, str)}
    if not paths:
        return file, {}
    from pipelines.config.weights import weights_for

    given = {place: weights_for(path, base, place) for place, path in paths.items()}
    changed: dict[str, Any] = {"schedule": [
        phase.model_copy(update={"weights": given[place].weights}) if (place := f"mixture.schedule[{i}].weights") in given
        else phase
        for i, phase in enumerate(mixture.schedule)
    ]}
    if "mixture.weights" in given:
        changed["weights"] = given["mixture.weights"].weights
    return file.model_copy(update={"mixture": mixture.model_copy(update=changed)}), given


def admission_rules(options: schema.Filter) -> tuple[Rule, ...]:
    """The rules that `filter.licence` stands for: the last ones."""
    if options.licence is None:
        return ()
    asked = schema.Licence() if options.licence == "permissive" else options.licence
    return licence_rules(asked.admit, asked.strict)[1]


def pack_spec(pack: schema.Pack, mixture: schema.Mixture) -> dict[str, Any]:
    """`pack` as the spec of an operator. A shard that cannot fill one sequence is refused."""
    if pack.use == "documents":
        if pack.length is not None:
            raise ConfigError("pack.length", "goes with concatenate and best_fit", "no length: documents stay as they are")
        return {"use": "documents"}
    if pack.length is None:
        raise ConfigError("pack.length", "is missing", "tokens of a sequence, such as 4096")
    most = min(mixture.shard_tokens, mixture.budget_tokens, *(phase.tokens for phase in mixture.schedule))
    if pack.length > most:
        raise ConfigError("pack.length", f"{pack.length:,} is more than the {most:,} tokens of a shard",
                          "sequences shorter than mixture.shard_tokens, and than the budget")
    return {"use": pack.use, "length": pack.length} | ({"rest": pack.rest} if pack.use == "concatenate" else {})


