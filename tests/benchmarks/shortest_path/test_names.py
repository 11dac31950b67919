"""Titles of tables and labels of rows."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.shortest_path.names import row_label, table_title
from benchmarks.shortest_path.presets import QUICK
from benchmarks.shortest_path.strength import with_loss


def test_titles_name_the_loss_and_the_size() -> None:
    assert table_title(with_loss(QUICK, "while-l1")) == (
        "relaxed Bellman-Ford (while), L1 (β=10), terrain, tiles, 1,000 maps, "
        "10 epochs in batches of 20"
    )
    smoothed = with_loss(QUICK, "smoothed-loss", 3)
    assert table_title(smoothed).startswith("smoothing of the loss (σ=0.1, 3 samples), terrain")


def test_labels_say_what_is_done_to_the_loss() -> None:
    raw = replace(QUICK, curvature="hessian", eigenvalues="raw", damping=0.1, lr=1.0)
    assert row_label(raw, QUICK) == "NL (Hessian), raw, λ=0.1, rate 1"
    assert row_label(QUICK, QUICK) == "plain"
