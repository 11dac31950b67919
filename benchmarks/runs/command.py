"""Running a command line: bad input is one line on stderr and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import typer

from benchmarks.runs.errors import InputError

_STOPPED: Final = 130


def run_command(app: typer.Typer, name: str, arguments: Sequence[str] | None) -> int:
    """Run ``app`` and return its exit code.

    Args:
        app: with a single command.
        name: of the module, for messages.
        arguments: of the command line; by default those of the process.

    Returns:
        0; 2 where an input cannot be used; 130 where the user stopped it.
    """
    command = typer.main.get_command(app)
    try:
        outcome = command.main(
            None if arguments is None else list(arguments),
            prog_name=f"python -m {name}",
            standalone_mode=False,
        )
    except (InputError, OSError) as error:
        return _refuse(name, str(error))
    except (KeyboardInterrupt, typer.Abort):
        outcome = _STOPPED
    except Exception as error:
        # Typer's own complaints about flags, whichever click it brings along.
        if not hasattr(error, "format_message"):
            raise
        return _refuse(name, error.format_message())
    if outcome == _STOPPED:  # Newer releases of typer turn the exception into this code.
        print(f"{name}: stopped; run the same command again to resume", file=sys.stderr)
    return outcome if isinstance(outcome, int) else 0


def _refuse(name: str, message: str) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return 2
