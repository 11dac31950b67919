"""The one kind of error that a command of the benchmarks reports."""

from __future__ import annotations


class InputError(ValueError):
    """Something that the user gave cannot be used: a flag, a file, a folder.

    The command prints its message as one line on stderr and ends with exit code 2.
    """
