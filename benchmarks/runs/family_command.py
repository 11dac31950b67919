"""What the command of every family does with its flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.runs.cells import Cell
from benchmarks.runs.checks import check_choice
from benchmarks.runs.chosen import with_chosen
from benchmarks.runs.config import ConfigT
from benchmarks.runs.device import select_device
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.job import configs_of, run_job
from benchmarks.runs.listing import list_cells
from benchmarks.runs.plan import cell_choices, plan_cells, plan_notes
from benchmarks.runs.scale import parse_scale
from benchmarks.runs.seeds import plan_seeds
from benchmarks.runs.shard import parse_shard
from benchmarks.runs.work import Job

_NUMBERS: Final = ("preset", "own")


def run_family(family: Family[ConfigT], flags: Mapping[str, Any]) -> None:
    """Run or list the cells that the flags name, write their files and print their tables.

    Args:
        family: that the command belongs to.
        flags: of the command by name: those of a configuration, and ``preset``, ``scale``,
            ``seeds``, ``data_dir``, ``device``, ``out``, ``numbers``, ``tune``, ``shard``,
            ``listing``, ``measure`` and ``json``.

    Raises:
        InputError: a flag has a value that it cannot have.
    """
    preset, tune = flags["preset"], flags["tune"]
    if preset in family.drawings:
        print(_draw(family, flags))
        return
    if flags["json"] and not flags["listing"]:
        raise InputError("--json goes with --list")
    if flags["measure"] and not flags["listing"]:
        raise InputError("--measure goes with --list")
    job = Job(
        family=family,
        name=preset or ("cell" if cell_choices(family, flags) else family.main_preset),
        cells=_cells(family, flags),
        seeds=plan_seeds(
            family, preset, flags["seeds"], tune=tune, scale=parse_scale(flags["scale"])
        ),
        device=select_device(flags["device"]),
        data_dir=flags["data_dir"],
        out=flags["out"],
        notes=_notes(family, flags),
        shard=parse_shard(flags["shard"]),
    )
    if flags["listing"]:
        configs = configs_of(job, tune=tune)
        print(list_cells(job, configs, as_json=flags["json"], measure=flags["measure"]))
    else:
        print(run_job(job, tune=tune))


def _draw(family: Family[ConfigT], flags: Mapping[str, Any]) -> str:
    """What a preset that trains nothing prints; it has nothing to select or to change."""
    own = {"preset", "out", "device", "data_dir"}
    defaults = {"numbers": "preset"}
    for name, value in flags.items():
        if name not in own and value and value != defaults.get(name):
            raise InputError(
                f"--preset {flags['preset']} trains nothing: give it --out and --device alone"
            )
    return family.drawings[flags["preset"]](flags["out"], select_device(flags["device"]))


def _cells(family: Family[ConfigT], flags: Mapping[str, Any]) -> Sequence[Cell[ConfigT]]:
    check_choice("lambda", flags["numbers"], _NUMBERS)
    cells = plan_cells(family, flags["preset"], flags)
    if flags["numbers"] == "preset":
        return cells
    if flags["tune"]:
        raise InputError("--tune chooses numbers that --lambda own reads: give one of them")
    return with_chosen(flags["out"], family, cells)


def _notes(family: Family[ConfigT], flags: Mapping[str, Any]) -> list[str]:
    notes = plan_notes(family, flags["preset"], flags)
    if flags["numbers"] == "own":
        notes.append("λ and other tuned numbers: our own choice (--lambda own), not the preset's")
    return notes
