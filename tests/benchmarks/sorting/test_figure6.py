"""Figure 6: the peaks of the paper's panels."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sorting.command import main
from benchmarks.sorting.figure6 import POINTS, gradients, panels


def peak(letter: str) -> float:
    (panel,) = [one for one in panels() if one.name.startswith(letter)]
    places, gradient = gradients(panel)
    assert places.shape == (POINTS,)
    assert gradient.shape == (POINTS, 5)
    return gradient.abs().max().item()


@pytest.mark.parametrize(
    ("letter", "low", "high"),
    [
        ("(a)", 0.69, 0.71),
        ("(b)", 0.50, 0.52),
        ("(c)", 18_000, 22_000),
        ("(d)", 6_600, 7_100),
        ("(e)", 0.035, 0.05),
        # The exact loss does not explode: its gradient is that of a cross-entropy.
        ("exact loss, N", 0.1, 100),
        ("exact loss, l", 0.1, 100),
    ],
)
def test_peaks(letter: str, low: float, high: float) -> None:
    assert low < peak(letter) < high


def test_the_command_leaves_a_table_and_a_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--preset", "figure6", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "figure6.txt").read_text()
    assert text.strip() in capsys.readouterr().out
    assert text.count("\n") == 4 + 8 + 1
    assert (tmp_path / "figure6.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"figure6.txt", "figure6.png"}
