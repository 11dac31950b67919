"""The presets: which problems, and at which size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from benchmarks.inverse.chosen_numbers import ChosenNumbers, numbers_of
from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.variants import LEAST_SQUARES, VARIANTS, Variant
from benchmarks.runs.cells import Cell
from benchmarks.runs.family import Preset

FULL: Final = InverseConfig()
QUICK: Final = InverseConfig(steps=300)
FIELDS: Final = InverseConfig(steps=300, batch_size=25, evaluation_samples=200)

# Problems whose signals are noisy as a rule, and their SNR unless another is given.
_SNR: Final[Mapping[str, float]] = {"decay": 100.0, "ivim": 100.0, "oscillator": 100.0}
DECAYS: Final = ("decay", "ivim")

# What a preset runs: the changes to its base, one per table.
_QUICK: Final = ({"data": "ivim"}, {"data": "planar-arm", "snr": None}, {"data": "oscillator"})
_EVIDENCE: Final = (
    {"data": "ivim", "snr": 100.0},
    {"data": "decay", "snr": 100.0},
    {"data": "planar-arm", "snr": None},
    {"data": "oscillator", "snr": 100.0},
    {"data": "ivim", "snr": 20.0},
    {"data": "decay", "snr": 20.0},
    {"data": "ur5-arm", "snr": None},
)
_NOISE: Final = tuple(
    {"data": data, "snr": snr, "loss": loss}
    for snr in (20.0, 50.0, 100.0, 300.0)
    for data in DECAYS
    for loss in ("squared", "prior")
)
_FIELDS: Final = tuple(
    {"data": data, "snr": None} for data in ("poisson", "dipole", "chain", "wave")
)


def cells_of(
    problems: Sequence[Mapping[str, Any]], numbers: ChosenNumbers
) -> Callable[[InverseConfig], list[Cell[InverseConfig]]]:
    """Every variant of these problems, with the numbers that were chosen, around any base."""

    def cells(base: InverseConfig) -> list[Cell[InverseConfig]]:
        found = []
        for changes in problems:
            plain = replace(base, **changes)
            for variant in variants_of(plain):
                found.append(Cell(variant.config(plain, numbers_of(numbers, plain, variant))))
        return found

    return cells


def variants_of(plain: InverseConfig) -> Sequence[Variant]:
    """The rows of a problem's table: decays have a yardstick."""
    return (*VARIANTS, LEAST_SQUARES) if plain.data in DECAYS else VARIANTS


def single_config(base: InverseConfig, chosen: Mapping[str, Any]) -> InverseConfig:
    """``base`` with the fields that were given, and the problem's usual noise and a scope."""
    rest = dict(chosen)
    if "data" in rest:
        rest.setdefault("snr", _SNR.get(rest["data"]))
    if rest.get("curvature", "none") != "none":
        rest.setdefault("scope", "batch" if rest["curvature"] == "fisher" else "sample")
    if rest.get("curvature") == "levenberg-marquardt":
        rest.setdefault("inner_steps", 1)
    return replace(base, **rest)


def presets_with(numbers: ChosenNumbers) -> dict[str, Preset[InverseConfig]]:
    """The presets with these chosen numbers."""

    def preset(
        base: InverseConfig, problems: Sequence[Mapping[str, Any]], seeds: str
    ) -> Preset[InverseConfig]:
        cells = cells_of(problems, numbers)
        return Preset(base=base, cells=cells, seeds=seeds, tuning_seeds="100")

    return {
        "quick": preset(QUICK, _QUICK, "0-2"),
        "evidence": preset(FULL, _EVIDENCE, "0-7"),
        "noise": preset(FULL, _NOISE, "0-7"),
        "fields": preset(FIELDS, _FIELDS, "0-7"),
    }
