"""What the command of every family does with its flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.runs.config import ConfigT
from benchmarks.runs.device import select_device
from benchmarks.runs.family import Family
from benchmarks.runs.job import Job, run_job
from benchmarks.runs.plan import cell_choices, plan_cells
from benchmarks.runs.seeds import plan_seeds


def run_family(family: Family[ConfigT], flags: Mapping[str, Any]) -> None:
    """Run the cells that the flags name, write their files and print their tables.

    Args:
        family: that the command belongs to.
        flags: of the command by name: those of a configuration, and ``preset``, ``seeds``,
            ``data_dir``, ``device``, ``out`` and ``tune``.

    Raises:
        InputError: a flag has a value that it cannot have.
    """
    preset, tune = flags["preset"], flags["tune"]
    cells = plan_cells(family, preset, flags)
    job = Job(
        family=family,
        name=preset or ("cell" if cell_choices(family, flags) else family.main_preset),
        cells=cells,
        seeds=plan_seeds(family, preset, flags["seeds"], tune=tune),
        device=select_device(flags["device"]),
        data_dir=flags["data_dir"],
        out=flags["out"],
    )
    print(run_job(job, tune=tune))
