"""What holds for every family of the list."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.families import FAMILIES, family_of
from benchmarks.runs.cells import group_cells
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.plan import plan_cells
from benchmarks.runs.seeds import plan_seeds
from tests.benchmarks.commands import assert_refused, help_of

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def main_of(family: Family[Any]) -> Any:
    return import_module(f"benchmarks.{family.name}.command").main


def test_names_are_unique() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert len({family.config_class.benchmark for family in FAMILIES}) == len(FAMILIES)


@each_family
def test_a_line_belongs_to_its_family(family: Family[Any]) -> None:
    config = family.presets[family.main_preset].base
    assert family_of(config.asdict()) is family
    values = {name: value for name, value in config.asdict().items() if name != "benchmark"}
    assert family.config_class(**values) == config


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(InputError, match="unknown benchmark 'juggling'"):
        family_of({"benchmark": "juggling"})


@each_family
def test_tables_start_with_the_plain_loss_and_name_each_row(family: Family[Any]) -> None:
    for preset in family.presets:
        cells = plan_cells(family, preset, {})
        assert len({cell.config.key for cell in cells}) == len(cells)
        for table in group_cells(cells, family.title).values():
            first = table[0].config
            assert first.is_reference
            labels = [family.label(cell.config, first) for cell in table]
            assert len(set(labels)) == len(labels)


@each_family
def test_chosen_numbers_are_candidates_and_chosen_on_other_seeds(family: Family[Any]) -> None:
    for preset in family.presets:
        tuning = set(plan_seeds(family, preset, None, tune=True))
        assert not tuning & set(plan_seeds(family, preset, None, tune=False))
        for cell in plan_cells(family, preset, {}):
            assert cell.knob is None or getattr(cell.config, cell.knob) in cell.candidates


@each_family
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "nan"], "--lr must be finite and above 0, got nan"),
        (["--batch-size", "0"], "--batch-size must be at least 1, got 0"),
        (["--batch-size", "many"], "'--batch-size'"),
        (["--loss", "l3"], "--loss must be one of"),
        (["--curvature", "newton"], "--curvature must be one of none, hessian, fisher"),
        (["--curvature", "fisher", "--damping", "-1"], "--damping must be finite and at least 0"),
        (["--damping", "1"], "--damping needs --curvature"),
        (["--eigenvalues", "raw"], "--eigenvalues goes with --curvature hessian"),
        (["--preset", "table9"], "--preset must be one of"),
        (["--seeds", "3-1"], "--seeds must name"),
        (["--device", "tpu"], "--device must be one of"),
        (["--data", "moon"], "--data must be one of"),
        (["--no-such-flag"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    family: Family[Any],
    arguments: list[str],
    message: str,
) -> None:
    out = tmp_path / "out"
    assert_refused(main_of(family), [*arguments, "--out", str(out)], message, capsys)
    assert list(tmp_path.iterdir()) == []


@each_family
def test_a_stopped_command_says_how_to_resume(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    family: Family[Any],
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.runs.family_command.run_job", lambda job, tune: stop())
    assert main_of(family)(["--out", str(tmp_path)]) == 130
    expected = f"benchmarks.{family.name}: stopped; run the same command again to resume\n"
    assert capsys.readouterr().err.endswith(expected)


@each_family
def test_every_choice_has_a_flag(family: Family[Any]) -> None:
    text = help_of(f"benchmarks.{family.name}")
    base = family.presets[family.main_preset].base
    names = {*base.asdict(), "preset", "seeds", "data_dir", "device", "out", "tune"}
    names |= {"scale", "lambda", "list", "json", "shard"}
    for name in names - {"benchmark", "split"}:
        assert f"--{name.replace('_', '-')}" in text
