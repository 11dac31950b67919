"""The cells of the main job and of Table 1."""

from __future__ import annotations

from benchmarks._presets import (
    CHOSEN_MAIN,
    MAIN,
    TABLE1,
    group_name,
    groups,
    main_cells,
    row_name,
    single_cells,
    table1_cells,
)


def test_the_main_job_has_the_comparison_and_its_controls() -> None:
    configs = [cell.config for cell in main_cells()]
    assert configs[0] == MAIN.plain()
    assert len({config.key for config in configs}) == len(configs)
    labels = [row_name(config, configs[0]) for config in configs]
    assert len(set(labels)) == len(labels)
    kinds = {(config.loss, config.curvature, config.clip is not None) for config in configs}
    assert kinds >= {
        ("probability", "none", False),
        ("probability", "hessian", False),
        ("probability", "fisher", False),
        ("probability", "none", True),
        ("exact", "none", False),
        ("exact", "hessian", False),
    }


def test_chosen_numbers_are_candidates_of_their_grids() -> None:
    for cell in (*main_cells(), *table1_cells()):
        if cell.knob is not None:
            assert getattr(cell.config, cell.knob) in cell.candidates
    assert {cell.knob for cell in main_cells()} == {None, "lr", "damping", "clip"}
    assert all(value > 0 for value in CHOSEN_MAIN.values())


def test_table1_has_the_papers_cells_and_protocol() -> None:
    cells = table1_cells()
    assert len(cells) == 4 * 2 * 3
    configs = [cell.config for cell in cells]
    assert {(c.data, c.steps, c.batch_size, c.lr) for c in configs} == {
        ("mnist", 100_000, 100, 1e-3)
    }
    assert {c.eigenvalues for c in configs if c.curvature == "hessian"} == {"raw"}
    steep = {(c.distribution, c.n): c.steepness for c in configs if c.operator == "odd_even"}
    assert steep == {
        ("logistic", 5): 10.0,
        ("logistic", 10): 10.0,
        ("cauchy", 5): 10.0,
        ("cauchy", 10): 100.0,
    }
    assert {c.temperature for c in configs if c.operator == "neuralsort"} == {1.0}
    assert TABLE1.evaluation_sets == MAIN.evaluation_sets


def test_tables_start_with_the_plain_loss() -> None:
    tables = groups(table1_cells())
    assert len(tables) == 8
    for title, cells in tables.items():
        assert group_name(cells[0].config) == title
        assert cells[0].config == cells[0].config.plain()


def test_a_plain_cell_stands_alone() -> None:
    assert [cell.config for cell in single_cells(MAIN)] == [MAIN]
