"""What each document holds of the evaluation sets, as columns that the filter's rules read beside the signals."""

from __future__ import annotations

from corpus.annotate import Annotate
from corpus.decontaminate.collect import DecontaminationIndex
from corpus.decontaminate.measure import Decontaminate
from corpus.decontaminate.rephrased import Rephrased
from corpus.decontaminate.tasks import task_files
from pipelines.config.load import Build
from pipelines.stages.ingest import pinned
from pipelines.step import Items, Line


def stage(line: Line, build: Build, documents: Items) -> Items | None:
    """The attribute shards of contamination, or None where the build file asks for none."""
    options = build.file.decontaminate
    if options is None:
        return None
    files = task_files(options.against, build.base, f"{build.where}: decontaminate.against")
    body = DecontaminationIndex(
        tuple((f.task, f.label) for f in files),
        options.ngram,
        options.min_words,
        options.max_questions,
        tuple(options.fields),
        tuple(options.answer),
    )
    evaluation = Items("evaluation", "evaluation", tuple(pinned(line, f.url) for f in files))
    index = line.gather("decontaminate.index", body, {"evaluation": evaluation})
    shared = {"index": index["index"]}
    measured = line.map("decontaminate.measure", Decontaminate(), {"documents": documents}, shared)["contamination"]
    if options.rephrased:
        items = index["items"]
        encode = Annotate((build.encoder,), beside=("items",), output="vectors")
        vectors = line.map("decontaminate.items", encode, {"items": items})["vectors"]
        each = {"documents": documents, "contamination": measured}
        body = Rephrased(build.encoder, options.window)
        measured = line.map("decontaminate.rephrased", body, each, {"items": items, "vectors": vectors})["contamination"]
    return measured
