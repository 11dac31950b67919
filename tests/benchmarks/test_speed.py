from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks import _speed_works as works
from benchmarks._speed_rows import ROWS, Result, Row
from benchmarks._speed_timing import WARM_UP, interleaved_medians
from benchmarks.speed import HEADER, cells, main
from newton_optim.sorting import neural_sort, soft_sort


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
        (["--device", "tpu"], "--device must be cpu or cuda, got 'tpu'"),
        (["--repeats", "0"], "Invalid value for '--repeats'"),
        (["--repeats", "few"], "Invalid value for '--repeats'"),
        (["--json", "no/such/folder/file.json"], "--json: no/such/folder is not a folder"),
        (["--rowz", "a"], "No such option"),
    ],
)
def test_bad_flags(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_an_input_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cuda"]) == 2
    assert "PyTorch sees no GPU here" in capsys.readouterr().err


def test_keys_are_unique() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS)


def nothing(device: torch.device) -> works.Works:
    return works.Works(lambda: None, lambda: None)


@pytest.mark.parametrize(
    ("faster", "reach", "ratio", "reached", "sign"),
    [
        (False, 0.6, 0.5, True, "≤"),
        (False, 0.4, 0.5, False, "≤"),
        (True, 2.0, 2.0, True, "≥"),
        (True, 2.1, 2.0, False, "≥"),
    ],
)
def test_ratios(faster: bool, reach: float, ratio: float, reached: bool, sign: str) -> None:
    result = Result(Row("key", "work", "peer", nothing, reach, faster=faster), 1.0, 2.0)
    assert result.ratio == ratio
    assert result.reached is reached
    line = cells(result)
    assert line[:2] == ("work", "peer")
    assert line[4:] == (f"{ratio:.2f}", f"{sign} {reach:g}", "yes" if reached else "no")


def test_runs_are_interleaved() -> None:
    order: list[str] = []
    sides = [lambda: order.append("a"), lambda: order.append("b")]
    medians = interleaved_medians(sides, [3, 1], torch.device("cpu"))
    assert "".join(order) == "ab" * (WARM_UP + 1) + "aa"
    assert all(median > 0.0 for median in medians)


@pytest.mark.parametrize("name", ["soft", "neural"])
def test_peers_compute_the_same_permutation(name: str) -> None:
    scores = torch.randn(3, 5, dtype=torch.float64)
    ours = {"soft": soft_sort, "neural": neural_sort}[name](scores, temperature=0.5)
    theirs = {"soft": works.field_soft_sort, "neural": works.field_neural_sort}[name](scores, 0.5)
    torch.testing.assert_close(ours, theirs)


def as_tensors(result: object) -> list[Tensor]:
    assert isinstance(result, tuple)
    return list(result)


@pytest.mark.parametrize("name", ["SoftSort", "NeuralSort"])
def test_both_sides_compute_the_same_derivatives(name: str) -> None:
    pair = works.softmax_works(name, 5, torch.device("cpu"), True)
    (gradient, _), (theirs, _) = as_tensors(pair.ours()), as_tensors(pair.peer())
    # F.binary_cross_entropy is a mean over the batch; in float32 it is right for most samples.
    close = torch.isclose(gradient, works.SAMPLES * theirs, rtol=1e-2, atol=1e-3)
    assert close.float().mean() > 0.5


def test_networks_compute_the_same_gradient() -> None:
    pair = works.network_works(5, torch.device("cpu"))
    gradient, theirs = as_tensors(pair.ours())[0], pair.peer()
    torch.testing.assert_close(gradient, works.SAMPLES * theirs, rtol=1e-3, atol=1e-4)


def test_fisher_steps_agree() -> None:
    pair = works.fisher_works(200, torch.device("cpu"))
    torch.testing.assert_close(pair.ours(), pair.peer(), rtol=1e-3, atol=1e-4)
