"""The shortest-path family, as the shared machinery sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.runs.family import Family
from benchmarks.runs.measures import Measure
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.data import load_maps
from benchmarks.shortest_path.names import row_label, table_title
from benchmarks.shortest_path.paper import PAPER
from benchmarks.shortest_path.plots import plot_rows
from benchmarks.shortest_path.presets import PRESETS, single_config
from benchmarks.shortest_path.rehearsal import rehearse
from benchmarks.shortest_path.runtimes import draw_tables7_and_8
from benchmarks.shortest_path.training import PathTraining

EM: Final = Measure("em", "EM")
RATIO: Final = Measure("ratio", "path cost / best", unit="", scale=1.0, digits=3, rising=False)


def _outcome(curve: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The measures after the last epoch, as in the paper."""
    return {measure.key: curve[-1][measure.key] for measure in (EM, RATIO)}


SHORTEST_PATH: Final = Family(
    name="shortest_path",
    config_class=PathConfig,
    presets=PRESETS,
    drawings={"runtimes": draw_tables7_and_8},
    size_flags=(
        "data",
        "network",
        "maps",
        "epochs",
        "batch_size",
        "evaluation_maps",
        "precision",
    ),
    selectors=("loss", "curvature", "samples"),
    single=single_config,
    load=load_maps,
    trainer=PathTraining,
    rehearsal=rehearse,
    outcome=_outcome,
    stacked=False,
    title=table_title,
    label=row_label,
    measures=(EM, RATIO),
    plot=partial(plot_rows, measure=EM),
    legend="Shortest paths: EM, the share of maps whose path is the true one; path cost / best, "
    "the cost of the path that was found over that of the best one.",
    conclusion="EM: share of maps whose path is the true one. You may conclude which rows differ "
    "from the first one of their table on these maps, with this network and this many steps; you "
    "may not compare tables of different sizes, nor conclude anything about other data or networks "
    "(p-values are not adjusted for the number of rows).",
    paper=PAPER,
)
