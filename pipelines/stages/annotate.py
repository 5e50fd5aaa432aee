"""Attributes that need the text: the tokenizer and token counts, a quality score trained by the build."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.quality.classifier import FitQuality, ScoreQuality
from corpus.tokens.encode import Tokenize
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Marks:
    tokenizer: Result
    model: Items | None  # of the quality score
    tokens: Items
    quality: Items | None


def stage(line: Line, build: Build, frozen: Result) -> Marks:
    documents = {"documents": frozen["documents"]}
    with line.stage("annotate"):
        tokenizer = line.fit("annotate.tokenizer", build.tokenizer, documents if build.tokenizer.reads_documents else {})
        tokens = line.map("annotate.tokens", Tokenize(), documents, shared={"tokenizer": tokenizer["tokenizer"]})["tokens"]
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
    return Marks(tokenizer, model, tokens, quality)
