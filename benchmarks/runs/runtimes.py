"""Full runtimes beside the paper's (Tables 6 to 8), extrapolated from a few steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import torch

from benchmarks.runs.config import ConfigT
from benchmarks.runs.device import device_name
from benchmarks.runs.files import write_text
from benchmarks.runs.results import Results
from benchmarks.runs.step_time import seconds_per_seed
from benchmarks.runs.table import text_table
from benchmarks.runs.trainer import Trainer


@dataclass(frozen=True)
class PaperTime(Generic[ConfigT]):
    """How long the paper's training of one seed took, as `h:mm` on its GPU."""

    name: str
    config: ConfigT
    time: str


def draw_runtimes(
    rows: Sequence[PaperTime[ConfigT]],
    rehearse: Callable[[ConfigT], Trainer],
    folder: Path,
    device: torch.device,
) -> str:
    """Write ``runtimes.txt`` and ``runtimes.json`` to a folder, and return what to print.

    Args:
        rows: of the paper's tables, each with its plain loss among them.
        rehearse: makes a training of one seed of a configuration, on made-up data.
        folder: made if it is not there.
        device: that the steps are measured on, which is the one that ``rehearse`` trains on.
    """
    Results(folder)  # The folder exists now and is writable.
    measured = [seconds_per_seed(rehearse(row.config)) for row in rows]
    plain = {row.config: (row, step) for row, step in zip(rows, measured, strict=True)}
    lines, records = [], []
    for row, step in zip(rows, measured, strict=True):
        theirs, reference = plain[row.config.plain()]
        lines.append(
            (
                row.name,
                f"{1e3 * step:.1f}",
                _hours(step * row.config.total_steps),
                row.time,
                f"{step / reference:.2f}",
                f"{_minutes(row.time) / _minutes(theirs.time):.2f}",
            )
        )
        records.append({"config": row.config.asdict(), "seconds_per_step": step, "paper": row.time})
    where = f"{device_name(device)}, torch {torch.__version__}"
    title = f"A full training of one seed, on {where}; paper: on an A6000"
    header = ("", "ms a step", "ours h:mm", "paper h:mm", "over plain", "paper, over plain")
    text = text_table(title, header, lines)
    machine = {"device": device_name(device), "torch": torch.__version__}
    content = {**machine, "threads": torch.get_num_threads(), "rows": records}
    write_text(folder / "runtimes.txt", text + "\n")
    write_text(folder / "runtimes.json", json.dumps(content, indent=1) + "\n")
    return f"{text}\n\nIn {folder}: runtimes.txt, runtimes.json"


def _minutes(time: str) -> int:
    hours, _, minutes = time.partition(":")
    return 60 * int(hours) + int(minutes)


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
