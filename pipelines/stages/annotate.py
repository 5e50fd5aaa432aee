"""Attributes that need the text: the tokenizer and token ids, a quality score trained by the build."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.quality.classifier import FitQuality, ScoreQuality
from corpus.tokens.tokenize import Tokenize
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Marks:
    tokenizer: Result
    model: Items | None  # of the quality score
    tokens: Items
    ids: Items
    quality: Items | None


def stage(line: Line, build: Build, frozen: Result) -> Marks:
    documents = {"documents": frozen["documents"]}
    with line.stage("annotate"):
        tokenizer = line.fit("annotate.tokenizer", build.tokenizer, documents if build.tokenizer.reads_documents else {})
        if build.retokenizer is None:
            check_formats(build, tokenizer)
        tokens = line.map("annotate.tokens", Tokenize(), documents, shared={"tokenizer": tokenizer["tokenizer"]})
        model = quality = None
        if (options := build.file.quality) is not None:
            model = line.fit(
                "annotate.quality",
                FitQuality(
                    tuple(options.positive),
                    tuple(options.negative),
                    seed=build.seed,
                    epochs=options.epochs,
                    learning_rate=options.learning_rate,
                    max_documents=options.max_documents,
                ),
                documents,
            )["quality"]
            quality = line.map("annotate.score", ScoreQuality(), documents, shared={"quality": model})["attributes"]
    return Marks(tokenizer, model, tokens["tokens"], tokens["ids"], quality)


#: What any tokenizer is at least: a format that cannot hold this, or sequences packed so, is told before there is one.
LEAST = {"vocab_size": 1, "dtype": "uint16", "bos": None, "bos_id": None, "eos": None, "eos_id": None}


def check_formats(build: Build, tokenizer: Result) -> None:
    """Raises ConfigError for the first format that cannot hold what the shards' tokenizer and packing give it."""
    about = tokenizer["tokenizer"].folder.about if tokenizer.known else LEAST
    for writer in build.writers:
        writer.check(about, build.pack)
