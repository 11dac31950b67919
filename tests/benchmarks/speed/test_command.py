"""The command ``python -m benchmarks.speed``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.speed.command import HEADER, main
from tests.benchmarks.commands import assert_refused, help_of


def test_a_row_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    code = main(["--rows", "odd-even-n5", "--repeats", "1", "--json", str(file)])
    printed = capsys.readouterr().out
    assert code == 0
    assert torch.__version__ in printed
    assert "gradient + Hessian, odd-even network, n=5" in printed
    assert all(title in printed for title in HEADER)
    content = json.loads(file.read_text())
    assert content["repeats"] == 1
    assert {"torch", "processor", "threads"} <= content["machine"].keys()
    (row,) = content["rows"]
    assert row["key"] == "odd-even-n5"
    assert row["ratio"] == pytest.approx(row["ours_ms"] / row["peer_ms"])
    assert row["reached"] == (row["ratio"] <= row["reach"] == 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "bubble*"], "--rows: no row matches 'bubble*'; there are softsort-n5-gradient"),
        (["--device", "tpu"], "--device must be one of cpu, cuda, got tpu"),
        (["--repeats", "0"], "Invalid value for '--repeats'"),
        (["--repeats", "few"], "Invalid value for '--repeats'"),
        (["--json", "no/such/folder/file.json"], "--json: no/such/folder is not a folder"),
        (["--rowz", "a"], "No such option"),
    ],
)
def test_bad_flags(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(main, arguments, message, capsys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_an_input_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(main, ["--device", "cuda"], "PyTorch sees no GPU", capsys)


def test_as_a_module() -> None:
    text = help_of("benchmarks.speed")
    for flag in ("--device", "--rows", "--json", "--repeats"):
        assert flag in text
