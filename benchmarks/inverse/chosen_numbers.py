"""The numbers that ``--tune`` chose for the presets: ``benchmarks/inverse/chosen.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.variants import Variant
from benchmarks.runs.errors import InputError

PRESETS_FILE: Final = Path(__file__).parent / "chosen.json"

# By problem and by variant: the numbers.
ChosenNumbers = Mapping[str, Mapping[str, Mapping[str, float]]]


def read_numbers(path: Path) -> ChosenNumbers:
    """The numbers of a file; none if there is no such file.

    Raises:
        InputError: the file cannot be read.
    """
    if not path.exists():
        return {}
    try:
        numbers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return numbers


def numbers_of(
    numbers: ChosenNumbers, config: InverseConfig, variant: Variant
) -> Mapping[str, float]:
    """What was chosen for a variant of a problem; empty where nothing was."""
    return numbers.get(problem_key(config), {}).get(variant.name, {})


def problem_key(config: InverseConfig) -> str:
    """What numbers are chosen for: a problem with its noise and its loss."""
    noise = "" if config.snr is None else f", SNR {config.snr:g}"
    return config.data + noise + ("" if config.loss == "squared" else f", {config.loss}")
