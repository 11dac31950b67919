"""The family of inverse problems, as the shared machinery sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.inverse.chosen_numbers import PRESETS_FILE, read_numbers
from benchmarks.inverse.comparison import compare_folder
from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.least_squares import LeastSquaresFits
from benchmarks.inverse.measures import LOSS, MEASURES
from benchmarks.inverse.names import row_label, table_title
from benchmarks.inverse.plots import plot_rows
from benchmarks.inverse.presets import presets_with, single_config
from benchmarks.inverse.training import InverseTraining
from benchmarks.runs.family import Family
from benchmarks.runs.paper import Paper
from benchmarks.runs.trainer import Trainer


def _load(configs: Sequence[InverseConfig], data_dir: Path | None) -> None:
    """Nothing: samples are drawn."""


def _trainer(
    config: InverseConfig, seeds: Sequence[int], data: object, device: torch.device
) -> Trainer:
    if config.solver == "network":
        return InverseTraining(config, seeds, data, device)
    return LeastSquaresFits(config, seeds, data, device)


def _rehearse(config: InverseConfig, seeds: Sequence[int], device: torch.device) -> Trainer:
    """A training of the first seed: nothing has to be loaded for it."""
    return _trainer(config, seeds[:1], None, device)


def _comparison(folder: Path, device: torch.device) -> str:
    """The tables of a folder's lines; the device computes nothing."""
    return compare_folder(folder)


def _outcome(curve: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The measures at the end of training."""
    return {measure.key: curve[-1][measure.key] for measure in MEASURES}


INVERSE: Final = Family(
    name="inverse",
    config_class=InverseConfig,
    presets=presets_with(read_numbers(PRESETS_FILE)),
    drawings={"comparison": _comparison},
    size_flags=("width", "steps", "batch_size", "evaluation_samples"),
    selectors=("data", "snr", "loss", "curvature"),
    single=single_config,
    load=_load,
    trainer=_trainer,
    rehearsal=_rehearse,
    outcome=_outcome,
    stacked=False,
    title=table_title,
    label=row_label,
    measures=MEASURES,
    plot=partial(plot_rows, measure=LOSS),
    legend="Inverse problems: loss and median, mean and median over held-out samples of the mean "
    "square residual; clean, the same mean against the signals without noise; parameters, the "
    "median error of the parameters; failed, samples that leave more than a tenth of the signals' "
    "variance; ms, processor time per step (of least squares: per sample). λ is relative to the "
    "mean eigenvalue.",
    conclusion="loss: mean over held-out samples of the mean square residual, of noisy signals "
    "where there is noise; clean: against the signals without it. A lower loss of noisy signals is "
    "no better estimate unless clean is lower, too. You may conclude which rows differ from the "
    "first one of their table on this problem, with this network and this many steps (p-values are "
    "not adjusted here; --preset comparison adjusts them), and nothing about other models.",
    paper=Paper(seeds=8, row=lambda config: None),
)
