"""The paper's Tables 7 and 8: how long a training takes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from benchmarks.runs.paper_tables import paper_table
from benchmarks.runs.runtimes import PaperTime, draw_runtimes
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.names import row_name
from benchmarks.shortest_path.paper import paper_configs
from benchmarks.shortest_path.rehearsal import rehearse


def draw_tables7_and_8(folder: Path, device: torch.device) -> str:
    """Measure the cells of Tables 7 and 8 on a device; see ``draw_runtimes``."""
    return draw_runtimes(paper_times(), partial(rehearse, seeds=[0], device=device), folder, device)


def paper_times() -> list[PaperTime[PathConfig]]:
    """The cells of Tables 7 and 8."""
    configs = {
        (config.loss, config.samples, config.curvature): config
        for table in ("table2", "table3")
        for config in paper_configs(table)
    }
    rows = []
    for entry in [*paper_table("table7"), *paper_table("table8")]:
        config = configs[entry["loss"], entry.get("samples"), entry["curvature"]]
        rows.append(PaperTime(row_name(config), config, entry["time"]))
    return rows
