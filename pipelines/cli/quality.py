"""`corpus quality train|score`: classifiers of quality, safety or anything else that somebody labelled."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.build import Json

app = typer.Typer(no_args_is_help=True, help="Text classifiers from labelled documents.")


@app.callback()
def quality() -> None:
    """Text classifiers from labelled documents."""


@app.command("train")
def train_(
    files: Annotated[list[str], typer.Argument(metavar="LABELS.jsonl...", help="Labelled texts: .jsonl, .gz, .zst.")],
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The model; one folder a dimension inside, if many.")],
    text: Annotated[str, typer.Option(help="Member that holds the text.")] = "text",
    label: Annotated[
        str, typer.Option(help="Member that holds the label: a whole number, a word, or {dimension: label}.")
    ] = "label",
    dimension: Annotated[
        list[str] | None, typer.Option(help="Name of what a plain label says; of objects, the members to use (repeat).")
    ] = None,
    positive: Annotated[str | None, typer.Option(help="Of words, the label whose probability is the score.")] = None,
    lowest: Annotated[int, typer.Option(help="Lowest whole number that is a label.")] = -1,
    highest: Annotated[int, typer.Option(help="Highest whole number that is a label.")] = 5,
    held_out: Annotated[float, typer.Option(help="Share of the texts to measure on, by hash of the text.")] = 0.2,
    preprocessing: Annotated[str, typer.Option(help="climb or plain; stored with the model.")] = "climb",
    characters: Annotated[int, typer.Option(min=0, help="Characters of a text that count; 0: all.")] = 5000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the texts.")] = 5,
    lr: Annotated[float, typer.Option(help="Learning rate.")] = 0.1,
    dim: Annotated[int, typer.Option(min=1, help="Size of the vectors.")] = 100,
    word_ngrams: Annotated[int, typer.Option(min=1, help="Words of the longest n-gram.")] = 2,
    buckets: Annotated[int, typer.Option(min=1, help="Slots for n-grams; 4 bytes x dim each.")] = 200_000,
    min_count: Annotated[int, typer.Option(min=1, help="Rarest word that has a vector of its own.")] = 1,
    balance: Annotated[bool, typer.Option("--balance", help="Repeat rare labels until all are even.")] = False,
    calibration: Annotated[str, typer.Option(help="temperature, isotonic or none.")] = "temperature",
    seed: Annotated[int, typer.Option(min=0, help="Draws of the split, the order and fastText.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
    json_: Json = False,
) -> None:
    """Train a classifier from labelled texts and measure it on held-out ones."""
    from corpus.quality.labels import Fields, Scale
    from corpus.quality.prepare import FORMS, Preparation
    from corpus.quality.train import Options
    from pipelines.cli.text import as_json
    from pipelines.quality import train_files

    if preprocessing not in FORMS:
        from corpus.errors import UnknownName

        raise UnknownName("preprocessing", preprocessing, FORMS)
    options = Options(epochs=epochs, learning_rate=lr, dim=dim, word_ngrams=word_ngrams, buckets=buckets,
                      min_count=min_count, held_out=held_out, balance=balance, positive=positive,
                      calibration=calibration, seed=seed)
    fields = Fields(text, label, tuple(dict.fromkeys(dimension or ())), Scale(lowest, highest))
    cards = train_files(files, out, fields, Preparation(preprocessing, characters), options, overwrite)
    print(as_json(cards) if json_ else "\n\n".join(_shown(card) for card in cards) + f"\n\nmodel in {out}")


@app.command()
def score(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder of quality train, or a fastText file.")],
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="Documents: .jsonl, .gz, .zst, .parquet.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Scores: .parquet, .jsonl, .jsonl.gz, .jsonl.zst.")],
    text: Annotated[str, typer.Option(help="Member or column that holds the text.")] = "text",
    id_: Annotated[str, typer.Option("--id", help="Member or column that holds the id.")] = "id",
    calibrated: Annotated[bool, typer.Option("--calibrated", help="Calibrated probabilities.")] = False,
    positive: Annotated[str | None, typer.Option(help="Of words, the label whose probability is the score.")] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help="climb (default) or plain, of a fastText file without model.json.")
    ] = None,
    characters: Annotated[int | None, typer.Option(min=0, help="Characters that count, if not as trained; 0: all.")] = None,
    json_: Json = False,
) -> None:
    """Score documents with a classifier; one row a record, with a reason where nothing could be scored."""
    from pipelines.cli.text import as_json, table
    from pipelines.quality import score_files

    found = score_files([model], files, out, text=text, id_=id_, calibrated=calibrated, positive=positive,
                        preprocessing=preprocessing, characters=characters)
    if json_:
        print(as_json(found))
        return
    scored = found["records"] - sum(found["reasons"].values())
    parts = [f"{scored:,} of {found['records']:,} records scored"
             + "".join(f"; {reason} {n:,}" for reason, n in found["reasons"].items())]
    for dimension, counts in found["labels"].items():
        if len(counts) <= 20:
            rows = [(name, f"{n:,}", f"{n / max(1, scored):.1%}") for name, n in sorted(counts.items(), key=_by_number)]
            parts.append(table((dimension, "documents", "share"), rows, right=(1, 2)))
    print("\n\n".join([*parts, f"scores in {out}: " + ", ".join(found["columns"])]))


def _by_number(entry: tuple[str, int]) -> tuple[float, str]:
    name = entry[0]
    return (float(name) if name.lstrip("-").isdigit() else 0.0, name)


def _shown(card: dict[str, Any]) -> str:
    from pipelines.cli.text import table

    held, counts, left = card["held_out"], card["counts"], card["counts"]["left_out"]
    trained = sum(counts["trained_on"].values())
    said = f"{card['dimension']}: {len(card['labels'])} labels; {trained:,} texts trained on, "
    said += f"{counts['held_out']:,} held out"
    lost = ", ".join(f"{reason} {n:,}" for reason, n in left.items())
    parts = [said + (f"; left out: {lost}" if lost else "")]
    parts.append(table(
        ("label", "trained on", "held out", "precision", "95 %", "recall", "95 %", "F1", "95 %"),
        [(name, f"{counts['trained_on'][name]:,}", f"{row['support']:,}",
          *(cell for figure in ("precision", "recall", "f1") for cell in _figure(row, figure)))
         for name, row in held["labels"].items()],
        right=range(1, 9),
    ))
    names = {"accuracy": "accuracy", "macro_f1": "macro F1", "mean_absolute_error": "mean absolute error",
             "quadratic_kappa": "quadratic weighted kappa"}
    parts.append(table(
        ("of all labels", "", "95 %"),
        [(said, *_figure(held, figure)) for figure, said in names.items() if figure in held], right=(1, 2),
    ))
    parts.append("Are probabilities frequencies?\n" + table(
        ("most likely label has", "documents", "said", "right", "95 %"),
        [(f"{b['from']:.1f} to {b['to']:.1f}", f"{b['documents']:,}", f"{b['said']:.3f}", *_figure(b, "right"))
         for b in held["calibration"]["bins"]],
        right=range(1, 5),
    ))
    parts.append(_calibration(card))
    return "\n\n".join(parts)


def _figure(row: dict[str, Any], name: str) -> tuple[str, str]:
    value, (low, high) = row[name], row[f"{name}_interval"]
    return ("-" if value is None else f"{value:.3f}"), ("-" if low is None else f"{low:.3f}-{high:.3f}")


def _calibration(card: dict[str, Any]) -> str:
    raw = card["held_out"]["calibration"]
    said = f"expected calibration error {raw['expected_error']:.3f}, Brier score {raw['brier']:.3f} (raw, all held out)"
    found = card["calibration"]
    if found is None:
        return said + "\nno calibration"
    method = f"temperature {found['temperature']:.2f}" if found["method"] == "temperature" else "isotonic"
    before, after = found["before"], found["after"]
    return (f"{said}\n{method}, fitted on {found['fitted_on']:,} of them; on the other {found['measured_on']:,}: "
            f"calibration error {before['expected_error']:.3f} -> {after['expected_error']:.3f}, "
            f"Brier score {before['brier']:.3f} -> {after['brier']:.3f}")
