"""The sorting family, as the shared machinery sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.runs.family import Family
from benchmarks.runs.measures import Measure
from benchmarks.runs.table import Row
from benchmarks.sorting.ablation import ablation_of, plot_ablation
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.digits import Digits, load_digits
from benchmarks.sorting.figure6 import draw_figure6
from benchmarks.sorting.names import row_label, table_title
from benchmarks.sorting.paper import PAPER
from benchmarks.sorting.plots import plot_rows
from benchmarks.sorting.presets import PRESETS, single_config
from benchmarks.sorting.rehearsal import rehearse
from benchmarks.sorting.runtimes import draw_table6
from benchmarks.sorting.selection import select
from benchmarks.sorting.training import SortingTraining

BEST_EM: Final = Measure("best_em", "best EM")
BEST_EW: Final = Measure("best_ew", "best EW")
EM: Final = Measure("em", "last EM")
EW: Final = Measure("ew", "last EW")


def _load(configs: Sequence[SortingConfig], data_dir: Path | None) -> dict[str, Digits]:
    return load_digits(configs[0].data, data_dir)


def _plot(path: Path, title: str, rows: Sequence[Row]) -> None:
    """The figure of a table: over λ where it is an ablation, over the steps otherwise."""
    if ablation_of(rows):
        plot_ablation(path, title, rows, measure=BEST_EW)
    else:
        plot_rows(path, title, rows, measure=Measure("em", "EM"), end=BEST_EM)


SORTING: Final = Family(
    name="sorting",
    config_class=SortingConfig,
    presets=PRESETS,
    drawings={"figure6": draw_figure6, "runtimes": draw_table6},
    size_flags=(
        "data",
        "steps",
        "batch_size",
        "evaluation_sets",
        "validate_every",
        "validation_sets",
        "precision",
    ),
    selectors=("operator", "distribution", "n", "loss", "curvature"),
    single=single_config,
    load=_load,
    trainer=SortingTraining,
    rehearsal=rehearse,
    outcome=select,
    stacked=True,
    title=table_title,
    label=row_label,
    measures=(BEST_EM, BEST_EW, EM, EW),
    plot=_plot,
    legend="Sorting: EM, the share of sets with all ranks right; EW, the share of elements at "
    "their right rank; both on test digits, best: at the step with the best EM of five elements on "
    "validation digits, as the field reports them, last: at the end of training.",
    conclusion="You may conclude which rows differ from the first one on these numbers, with this "
    "network and this many steps; you may not conclude that curvature is what helps where "
    "clipping, early stopping, a tuned rate or the exact loss does as well, nor anything about "
    "other data or networks (p-values are not adjusted for the number of rows).",
    paper=PAPER,
)
