"""The command ``python -m benchmarks.report``: tables, figures, and the paper's beside ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks._config import Config
from benchmarks._paper import paper_figure, protocol_differences
from benchmarks._path_config import PathConfig
from benchmarks._path_presets import PAPER, path_group_name
from benchmarks._presets import TABLE1, table1_cells
from benchmarks._results import Record, Results
from benchmarks.report import main


def records(config: Config, ems: list[float]) -> list[Record]:
    return [
        {
            "seed": seed,
            "em": em,
            "ew": em,
            "key": config.key,
            "config": config.asdict(),
            "torch": "2.9",
            "device": "CPU",
            "threads": 2,
            "seconds": 8.0,
            "stacked_seeds": len(ems),
            "curve": [{"step": config.steps, "loss": 0.1, "em": em, "ew": em}],
        }
        for seed, em in enumerate(ems)
    ]


def write(folder: Path, *configs: Config) -> None:
    for number, config in enumerate(configs):
        Results(folder).append(records(config, [0.5 + number / 10, 0.52 + number / 10]))


def test_the_papers_figure_stands_beside_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = table1_cells()[3].config  # NeuralSort, n = 10, plain.
    assert (config.operator, config.n, config.curvature) == ("neuralsort", 10, "none")
    exact = replace(config, loss="exact")
    small = replace(Config(), steps=9)
    write(tmp_path / "a", exact, config)
    write(tmp_path / "b", small, replace(small, split="validation"))
    assert main(["--results", str(tmp_path), "--out", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert text in capsys.readouterr().out
    table = [line for line in text.splitlines() if line.startswith("| probability, plain")]
    assert len(table) == 2  # The validation runs only choose.
    assert table[0].endswith("| 2 | 24.26 | +36.7 |")
    assert table[1].endswith("| 2 | – | – |")
    assert text.index("| probability, plain") < text.index("| exact, plain")
    assert "2 seeds instead of 10" in text
    assert "data digits, not mnist" in text
    assert "16 s of training in all" in text
    figures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert figures == {"table-1.png", "table-2.png"}


def path_records(config: PathConfig, ems: list[float]) -> list[Record]:
    curve = [{"step": 1, "epoch": 1, "seconds": 2.0, "loss": 0.1, "em": 0.5, "ratio": 1.5}]
    return [
        {
            "seed": seed,
            "em": em,
            "ratio": 1.25,
            "key": config.key,
            "config": config.asdict(),
            "torch": "2.9",
            "device": "CPU",
            "threads": 2,
            "seconds": 8.0,
            "stacked_seeds": 1,
            "curve": curve,
        }
        for seed, em in enumerate(ems)
    ]


def test_both_benchmarks_stand_in_one_report(tmp_path: Path) -> None:
    path = PathConfig(epochs=3)
    fisher = replace(path, curvature="fisher", damping=1.0)
    write(tmp_path / "a", Config())
    Results(tmp_path / "b").append(path_records(fisher, [0.5, 0.75]))
    Results(tmp_path / "b").append(path_records(path, [0.25, 0.75]))
    assert main(["--results", str(tmp_path), "--out", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert "|  | EM % | EW % | p (Welch)" in text
    section = text[text.index(f"## {path_group_name(path)}") :]
    assert "|  | EM % | path cost / best | p (Welch)" in section
    assert "| plain | 50.0 ± 35.4 | 1.250 ± 0.000 |  |  | 2 | – | – |" in section
    assert section.index("| plain") < section.index("| NL (Fisher), λ=1 | 62.5 ± 17.7")
    assert "data terrain, not warcraft; network tiles, not resnet; maps 1,000" in section
    assert "32 s of training in all" in section
    assert (tmp_path / "report" / "table-2.png").exists()


def test_the_papers_paths_have_no_difference() -> None:
    assert protocol_differences(replace(PAPER, data="warcraft"), 10) == []
    assert protocol_differences(PAPER, 10) == ["data terrain, not warcraft"]
    assert paper_figure(PAPER) is None


def test_the_papers_protocol_has_no_difference() -> None:
    assert protocol_differences(TABLE1, 10) == []
    found = protocol_differences(replace(TABLE1, steps=300, lr=0.1), 10)
    assert found == ["steps 300 instead of 100,000", "lr 0.1, not 0.001"]


def test_rows_that_the_paper_has_not_have_no_figure() -> None:
    known = table1_cells()[3].config
    assert paper_figure(known) is not None
    for other in (
        replace(known, loss="exact"),
        replace(known, clip=1.0),
        replace(known, curvature="hessian", eigenvalues="absolute"),
        replace(known, n=7),
    ):
        assert paper_figure(other) is None


@pytest.mark.parametrize("case", ["missing", "empty", "other version", "out"])
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    if case != "missing":
        results.mkdir()
    if case == "other version":
        Results(results).append([{**records(Config(), [0.5])[0], "config": {"colour": "red"}}])
    if case == "out":
        write(results, Config())
        out.write_text("")
    assert main(["--results", str(results), "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("benchmarks.report: ")
    assert printed.err.count("\n") == 1
