"""The paper's Table 6: how long a training takes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from benchmarks.runs.paper_tables import paper_table
from benchmarks.runs.runtimes import PaperTime, draw_runtimes
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.names import row_name
from benchmarks.sorting.paper import paper_configs
from benchmarks.sorting.rehearsal import rehearse


def draw_table6(folder: Path, device: torch.device) -> str:
    """Measure Table 6's cells on a device; see ``draw_runtimes``.

    The paper gives one time for sorting networks, and does not name the distribution: Cauchy here.
    """
    return draw_runtimes(paper_times(), partial(rehearse, seeds=[0], device=device), folder, device)


def paper_times() -> list[PaperTime[SortingConfig]]:
    """The cells of Table 6."""
    configs = {
        (config.operator, config.n, config.curvature): config
        for config in paper_configs()
        if config.distribution in {None, "cauchy"}
    }
    rows = []
    for entry in paper_table("table6"):
        config = configs[entry["operator"], entry["n"], entry["curvature"]]
        rows.append(PaperTime(row_name(config), config, entry["time"]))
    return rows
