"""A training on made-up digits, to measure how long its steps take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import torch

from benchmarks.runs.config import SPLITS
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.digits import Digits
from benchmarks.sorting.training import SortingTraining

_SIDES: Final = {"digits": 8, "mnist14": 14, "mnist": 28}


def rehearse(config: SortingConfig, seeds: Sequence[int], device: torch.device) -> SortingTraining:
    """A training whose steps take as long as those of ``config``; it learns nothing.

    The paper's network takes one seed after another, so one of them is enough.
    """
    side = _SIDES[config.data]
    blank = Digits(torch.zeros(10, side, side), torch.arange(10))
    short = replace(config, evaluation_sets=1, validation_sets=1)
    trained = seeds[:1] if config.data == "mnist" else seeds
    return SortingTraining(short, trained, dict.fromkeys(SPLITS, blank), device)
