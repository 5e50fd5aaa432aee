"""`corpus`: the command, and the one place where an error becomes a message and an exit code (0 done, 1 failed, 2 wrong)."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from corpus import __version__
from pipelines.cli import build, init, inspect, mix, shards

app = typer.Typer(
    name="corpus",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A mixture compiler for pre-training corpora: raw web text in, tokenized mixture shards with a receipt out.",
)
app.command("init")(init.init)
app.command("plan")(build.plan)
app.command("build")(build.build)
app.command("status")(build.status)
app.command("show")(inspect.show)
app.command("explain")(inspect.explain)
app.command("report")(inspect.report)
app.command("doctor")(inspect.doctor)
app.add_typer(shards.app, name="shards")
app.add_typer(mix.app, name="mix")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"corpus {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """Entry point of the command."""
    from corpus.errors import CorpusError, StepError
    from pipelines.threads import single_threaded

    single_threaded()  # before numpy is imported: results must not depend on cores
    try:
        app()  # exits by itself: 0, or 2 where the call is wrong
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except StepError as error:
        from pipelines.cli.text import plain

        if os.environ.get("CORPUS_TRACE") and error.trace:
            print(error.trace, file=sys.stderr)
        print(f"error: {plain(str(error))}", file=sys.stderr)
        print(f"resume with: {' '.join(['corpus', *sys.argv[1:]])}", file=sys.stderr)
        sys.exit(error.exit_code)
    except CorpusError as error:
        from pipelines.cli.text import plain

        print(f"error: {plain(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
