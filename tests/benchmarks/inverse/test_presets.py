"""The presets: which problems, variants and sizes."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.inverse.names import table_title
from benchmarks.inverse.presets import FIELDS, FULL, QUICK, presets_with, single_config
from benchmarks.inverse.problems import PROBLEMS
from benchmarks.inverse.variants import VARIANTS, variant_of
from benchmarks.runs.cells import group_cells
from tests.benchmarks.inverse.settings import SMALL

PRESETS = presets_with({})


def test_every_table_has_every_variant_with_the_plain_loss_first() -> None:
    for preset in PRESETS.values():
        for table in group_cells(preset.cells(preset.base), table_title).values():
            found = [variant_of(cell.config) for cell in table]
            assert found[: len(VARIANTS)] == list(VARIANTS)
            decays = table[0].config.data in {"decay", "ivim"}
            assert len(found) == len(VARIANTS) + decays


def test_every_problem_is_in_a_preset() -> None:
    names = {cell.config.data for one in PRESETS.values() for cell in one.cells(one.base)}
    assert names == set(PROBLEMS)


def test_decays_are_run_at_four_noise_levels() -> None:
    cells = PRESETS["noise"].cells(FULL)
    assert {cell.config.snr for cell in cells} == {20.0, 50.0, 100.0, 300.0}
    assert {cell.config.loss for cell in cells} == {"squared", "prior"}


def test_a_size_that_is_asked_for_is_that_of_all() -> None:
    for name, base in (("quick", QUICK), ("evidence", FULL), ("fields", FIELDS)):
        cells = PRESETS[name].cells(replace(base, steps=7))
        assert {cell.config.steps for cell in cells} == {7}


def test_chosen_numbers_are_used() -> None:
    presets = presets_with({"ivim, SNR 100": {"plain": {"lr": 0.25}}})
    cells = presets["evidence"].cells(FULL)
    assert cells[0].config.lr == 0.25
    assert cells[1].config.lr != 0.25


def test_a_single_cell_has_the_problems_noise_and_a_scope() -> None:
    assert single_config(SMALL, {"data": "planar-arm"}).snr is None
    assert single_config(SMALL, {"data": "ivim"}).snr == 100.0
    assert single_config(SMALL, {"data": "ivim", "snr": 5.0}).snr == 5.0
    assert single_config(SMALL, {"curvature": "fisher"}).scope == "batch"
    assert single_config(SMALL, {"curvature": "gauss-newton"}).scope == "sample"
    assert single_config(SMALL, {"curvature": "levenberg-marquardt"}).inner_steps == 1
