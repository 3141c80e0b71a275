"""Errors as one line on stderr and an exit code; the traceback only with --debug.

a request that can't be met      2     wrong options, settings, files; UserError
an internal error                1     EngineError, and whatever nobody foresaw
Ctrl-C                           130   as shells have it (128 + SIGINT)
"""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from paceline.errors import EngineError, UserError

DONE, FAULT, WRONG, STOPPED = 0, 1, 2, 130
DEBUG = "--debug"
REPORT_IT = "please report it to Paceline's developers, with the command and the traceback that --debug shows"


class Commands(TyperGroup):
    """The group of all commands; every error of theirs ends here."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command line and ends the process. --debug may stand anywhere in it."""
        given = list(sys.argv[1:] if args is None else args)
        debug = DEBUG in given
        given = [DEBUG] * debug + [word for word in given if word != DEBUG]
        try:
            # Not standalone: else Typer draws a frame of several lines around an error.
            code = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            code = complain(error.format_message(), WRONG)
        except typer.Abort:
            code = complain("stopped.", STOPPED)
        sys.exit(code if isinstance(code, int) else DONE)

    def invoke(self, ctx: Any) -> Any:
        """Runs the chosen command; errors raised on purpose become a sentence."""
        try:
            return super().invoke(ctx)
        except (typer.TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise  # main, or Typer itself, knows what to do
        except (Exception, KeyboardInterrupt) as error:
            if DEBUG.removeprefix("--") in ctx.params and ctx.params[DEBUG.removeprefix("--")]:
                traceback.print_exc()
            raise typer.Exit(report_error(error)) from None


def report_error(error: BaseException) -> int:
    """Writes an error as one line and returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return complain(str(error) or "stopped; progress is saved.", STOPPED, "")
    if isinstance(error, UserError):
        return complain(str(error), WRONG)
    if isinstance(error, EngineError):
        return complain(f"{str(error).rstrip('.')}; {REPORT_IT}.", FAULT)
    if isinstance(error, OSError) and error.filename is not None:
        return complain(f"{str(error.filename)!r} can't be used: {error.strerror}.", WRONG)
    what = str(error).strip().splitlines()[:1]
    name = ": ".join([type(error).__name__, *what]).rstrip(".")
    return complain(f"Internal error ({name}); progress is saved; {REPORT_IT}.", FAULT)


def complain(message: str, code: int, label: str = "Error: ") -> int:
    """Writes one line to stderr and returns the code."""
    line = " ".join(message.split())
    print(f"{label}{line}{'' if line.endswith(('.', '?', '!')) else '.'}", file=sys.stderr)
    return code
