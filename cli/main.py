"""The command ``grantmap``: every command, its exit status and its one line on failure.

Exit status: 0 done · 1 done, with gaps or failures that the output names · 2 wrong usage or bad input · 130
interrupted.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Any

import typer

from cli import (
    asking,
    building,
    campaigns,
    collecting,
    deciding,
    demo,
    differing,
    evidence,
    finding,
    querying,
    serving,
    snapshots,
    whatif,
)
from cli.output import note
from cli.state import defaults
from model.errors import GrantmapError

app = typer.Typer(
    name="grantmap",
    help="Who can reach what in an AWS organisation, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _room in (
    *(demo, collecting, snapshots, building, deciding, asking, whatif),
    *(differing, finding, querying, campaigns, serving, evidence),
):
    _room.register(app)


#: The base of every usage error. Typer carries its own click and names few of its exceptions.
_ClickError: Any = typer.BadParameter.__mro__[2]


#: Set in the environment: what nobody foresaw is raised rather than told in one line.
_TRACEBACK = "GRANTMAP_TRACEBACK"


def main() -> None:
    """The entry point of the installed command."""
    if sys.stdout is None or sys.stderr is None:
        sys.exit(2)  # closed by whoever called: there is nobody to tell
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of a terminal that has no arrows, say
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """One command; answers with its exit status and never with a traceback for what people can cause."""
    command: Any = typer.main.get_command(app)
    strange = next((one for one in arguments if not _is_text(one)), None)
    if strange is not None:
        return _fail(f"argument `{strange.encode(errors='backslashreplace').decode()}`: not utf-8")
    try:
        result = command.main(
            args=arguments, prog_name="grantmap", standalone_mode=False, default_map=defaults(), obj=None
        )
    except _ClickError as error:
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stdout.write(f"{error.format_message()}\n")
            return 0
        hint = f"; see `{context.command_path} --help`" if context is not None else ""
        return _fail(f"{error.format_message().rstrip('.')}{hint}")
    except typer.Exit as error:
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted("interrupted")
    except GrantmapError as error:
        return _interrupted(str(error)) if type(error).__name__ == "CollectInterrupted" else _fail(str(error))
    except BrokenPipeError:
        # The reader of our output went away: nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"`{error.filename or 'disk'}`: {(error.strerror or str(error)).lower()}")
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        # Status 1 would be an answer with gaps.
        return _fail(
            f"unexpected {type(error).__name__}: {error}; `grantmap build` makes a damaged build anew, and "
            f"{_TRACEBACK}=1 shows where this came from"
        )
    if result == 130:  # what typer makes of Ctrl-C
        return _interrupted("interrupted; nothing is lost")
    return result if isinstance(result, int) else 0


def _is_text(argument: str) -> bool:
    """Whether an argument was UTF-8: what is not comes in as surrogates, which no file and no database takes."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def _fail(message: str) -> int:
    first = " ".join(message.split()) or "failed"
    note(f"grantmap: {first[:1].lower() + first[1:]}")
    return 2


def _interrupted(message: str) -> int:
    note(f"grantmap: {message}")
    return 130


if __name__ == "__main__":
    main()
