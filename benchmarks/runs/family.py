"""A family of benchmarks, as a value: all that the shared machinery knows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import torch

from benchmarks.runs.cells import Cell
from benchmarks.runs.config import ConfigT
from benchmarks.runs.measures import Measure
from benchmarks.runs.paper import Paper
from benchmarks.runs.table import Row
from benchmarks.runs.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Preset(Generic[ConfigT]):
    """The cells of a profile, or of a table of the paper.

    Args:
        base: the configuration that the cells vary; flags of size change it.
        cells: the cells around a base.
        seeds: that are run by default, as ``--seeds`` takes them.
        tuning_seeds: that ``--tune`` runs by default; no preset reports them.
    """

    base: ConfigT
    cells: Callable[[ConfigT], list[Cell[ConfigT]]]
    seeds: str
    tuning_seeds: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Family(Generic[ConfigT]):
    """A family of benchmarks: a kind of configuration, how it is trained and what is measured.

    Args:
        name: of its package, and in messages.
        config_class: of its runs.
        presets: by name; the first one is run where no flag names another or a single cell.
        drawings: presets that train nothing: each writes its files to a folder, computed on a
            device, and returns the text to print.
        size_flags: fields of a configuration whose flags change every cell of a preset. The flags
            of all other fields describe a single cell.
        selectors: fields whose flags, beside a preset, select among its cells; a text may name
            several values, separated by commas.
        single: the configuration of a single cell, from a base and the fields that were given.
        load: the data for some configurations, from a folder where it is made of files.
        trainer: makes the training of `(config, seeds, data, device)`.
        rehearsal: the same on made-up data, for the time of a step; of some of the seeds, if a step
            takes them one after another.
        outcome: from the curve of one seed to its measures.
        stacked: whether a training takes all seeds together, or one.
        title: the title of the table that a configuration belongs to.
        label: the name of a configuration's row, beside the first one of its table.
        measures: what is measured, the main one first: it is tested and drawn.
        plot: writes the figure of a table: path, title, rows.
        legend: what the measures mean, in a sentence.
        conclusion: what may be concluded, and what not.
        paper: what the paper says of these runs.
    """

    name: str
    config_class: type[ConfigT]
    presets: Mapping[str, Preset[ConfigT]]
    drawings: Mapping[str, Callable[[Path, torch.device], str]]
    size_flags: tuple[str, ...]
    selectors: tuple[str, ...]
    single: Callable[[ConfigT, Mapping[str, Any]], ConfigT]
    load: Callable[[Sequence[ConfigT], Path | None], Any]
    trainer: Callable[[ConfigT, Sequence[int], Any, torch.device], Trainer]
    rehearsal: Callable[[ConfigT, Sequence[int], torch.device], Trainer]
    outcome: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]]
    stacked: bool
    title: Callable[[ConfigT], str]
    label: Callable[[ConfigT, ConfigT], str]
    measures: tuple[Measure, ...]
    plot: Callable[[Path, str, Sequence[Row]], None]
    legend: str
    conclusion: str
    paper: Paper[ConfigT]

    @property
    def main_preset(self) -> str:
        """The name of the preset that is run where no flag names another."""
        return next(iter(self.presets))
