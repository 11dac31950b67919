"""Choosing the numbers of every variant together: as many trials for each, on other seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.inverse.chosen_numbers import problem_key, read_numbers
from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.measures import MEASURES
from benchmarks.inverse.names import table_title, treatment
from benchmarks.inverse.variants import Variant, variant_of
from benchmarks.runs.cells import Cell
from benchmarks.runs.errors import InputError
from benchmarks.runs.files import write_text
from benchmarks.runs.results import Record
from benchmarks.runs.table import Row, header, table_lines, text_table
from benchmarks.runs.tuning import best
from benchmarks.runs.work import Job, train_all

CHOSEN: Final = "chosen.json"


@dataclass(frozen=True)
class Trials:
    """The trials of one variant of one problem.

    Args:
        plain: the plain run of the problem.
        variant: that is tuned.
        configs: of the trials.
    """

    plain: InverseConfig
    variant: Variant
    configs: Sequence[InverseConfig]


def trials_of(cells: Sequence[Cell[InverseConfig]]) -> list[Trials]:
    """The trials of the variants that the cells stand for.

    Raises:
        InputError: none of them has a number to choose.
    """
    found = []
    for cell in cells:
        variant, plain = variant_of(cell.config), cell.config.plain()
        if variant is not None and variant.grid:
            configs = variant.trials(replace(plain, split="validation"))
            found.append(Trials(plain, variant, configs))
    if not found:
        raise InputError("--tune: none of these cells has a number to choose")
    return found


def tune(job: Job[InverseConfig]) -> str:
    """Train the trials on validation samples, write the best numbers, and return the tables."""
    trials = trials_of(job.cells)
    records = train_all(job, list({config: None for one in trials for config in one.configs}))
    if job.shard is not None:
        return f"Shard {job.shard} of the trials is done; --tune without --shard chooses"
    numbers = {key: dict(found) for key, found in read_numbers(job.out / CHOSEN).items()}
    texts = []
    for one in trials:
        index = best([Row("", records[config.key]) for config in one.configs], MEASURES)
        chosen = {name: getattr(one.configs[index], name) for name in one.variant.grid}
        numbers.setdefault(problem_key(one.plain), {})[one.variant.name] = chosen
        texts.append(_table(one, records, index))
    text = "\n\n".join([*texts, *job.notes])
    write_text(job.out / f"{job.name}-tuning.txt", text + "\n")
    write_text(job.out / CHOSEN, json.dumps(numbers, indent=1, ensure_ascii=False) + "\n")
    return f"{text}\n\nIn {job.out / CHOSEN}, which --lambda own reads"


def _table(one: Trials, records: Mapping[str, list[Record]], index: int) -> str:
    """What each trial reached."""
    rows = []
    for number, config in enumerate(one.configs):
        label = f"{treatment(config)}, rate {config.lr:g}"
        rows.append(Row(label + "  ← chosen" * (number == index), records[config.key]))
    columns = len(MEASURES) + 1  # The tests are left out.
    lines = [line[:columns] for line in table_lines(rows, MEASURES)]
    return text_table(table_title(one.plain), header(MEASURES)[:columns], lines)
