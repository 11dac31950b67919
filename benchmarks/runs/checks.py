"""Checks of the values of flags; each message names the flag."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.runs.errors import InputError


def flag(name: str) -> str:
    """The flag of the command for a field of a configuration."""
    return "--" + name.replace("_", "-")


def check_choice(name: str, value: str | None, choices: Sequence[str]) -> None:
    """Refuse a value that is not one of ``choices``.

    Raises:
        InputError: naming the flag, the choices and what was found.
    """
    if value not in choices:
        raise InputError(f"{flag(name)} must be one of {', '.join(choices)}, got {value}")


def check_counts(config: object, *names: str) -> None:
    """Refuse fields of ``config`` that are below 1; ``None`` is left alone.

    Raises:
        InputError: naming the flag and what was found.
    """
    for name in names:
        number = getattr(config, name)
        if number is not None and not number >= 1:
            raise InputError(f"{flag(name)} must be at least 1, got {number}")


def check_positive(config: object, *names: str) -> None:
    """Refuse fields of ``config`` that are not finite and above 0; ``None`` is left alone.

    Raises:
        InputError: naming the flag and what was found.
    """
    for name in names:
        number = getattr(config, name)
        if number is not None and not 0.0 < number < math.inf:
            raise InputError(f"{flag(name)} must be finite and above 0, got {number}")


def check_needed(config: object, owner: str, needed: Sequence[str], unused: Sequence[str]) -> None:
    """Refuse a configuration that lacks a number, or has one that its kind does not use.

    Args:
        config: whose fields are looked at.
        owner: the field that decides, such as ``"loss"``.
        needed: fields that must not be ``None``.
        unused: fields that must be ``None``.

    Raises:
        InputError: naming the flag.
    """
    kind = getattr(config, owner)
    for name in needed:
        if getattr(config, name) is None:
            raise InputError(f"{flag(owner)} {kind} needs {flag(name)}")
    for name in unused:
        if getattr(config, name) is not None:
            raise InputError(f"{flag(name)} does not apply to {flag(owner)} {kind}")
