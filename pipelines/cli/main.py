"""`corpus`: the command, and the one place where an error becomes a message and an exit code (0 done, 1 failed, 2 wrong)."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from corpus import __version__
from pipelines.cli import build, decontaminate, diff, init, inspect, mix, quality, remove, shards

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
app.command("diff")(diff.diff)
app.command("remove")(remove.remove)
app.command("report")(inspect.report)
app.command("doctor")(inspect.doctor)
app.add_typer(shards.app, name="shards")
app.add_typer(mix.app, name="mix")
app.add_typer(quality.app, name="quality")
app.add_typer(decontaminate.app, name="decontaminate")


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
    from corpus.errors import CorpusError, Interrupted, StepError
    from pipelines.cli.text import plain
    from pipelines.threads import single_threaded

    single_threaded()  # before numpy is imported: results must not depend on cores
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()  # exits by itself: 0, or 2 where the call is wrong
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Interrupted as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except CorpusError as error:
        if os.environ.get("CORPUS_TRACE") and isinstance(error, StepError) and error.trace:
            print(error.trace, file=sys.stderr)
        print(f"error: {plain(str(error))}", file=sys.stderr)
        if isinstance(error, StepError) and _builds():
            print(f"resume with: {plain(' '.join(['corpus', *sys.argv[1:]]))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a vanished share: said plainly, and nothing half written counts
        print(f"error: {plain(str(error))}", file=sys.stderr)
        if _builds():
            print(f"resume with: {plain(' '.join(['corpus', *sys.argv[1:]]))}", file=sys.stderr)
        sys.exit(1)


def _builds() -> bool:
    """Whether the call was one that goes on where it stopped."""
    return sys.argv[1:2] == ["build"] or sys.argv[1:3] == ["shards", "write"]


def _terminate(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
