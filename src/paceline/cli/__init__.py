"""The command line: `paceline tune beans.csv --target Class`, and what one does with a study afterwards.

    commands    the commands; what they need is imported when a command runs, so that `paceline --help` is quick
    faults      errors and Ctrl-C as one sentence and an exit code
    arguments   texts from the command line -> settings
    lists       methods, stoppers, metrics and hyperparameters for --help
    live        the running study on a terminal
    screens     the finished study on a terminal
    documents   the same for machines

Exit codes: 0 done, 1 an internal error, 2 a request that can't be met, 130 stopped by the user.
"""

from paceline.cli.commands import app, main

__all__ = ["app", "main"]
