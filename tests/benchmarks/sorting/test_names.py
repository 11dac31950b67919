"""Titles of tables and labels of rows."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.names import row_label, table_title
from benchmarks.sorting.operators import with_operator
from benchmarks.sorting.presets import MAIN


def test_titles_name_operator_size_and_data() -> None:
    assert table_title(MAIN) == "SoftSort (τ=0.1), n=5, digits, 2,000 steps of 50 sets"
    network = with_operator(MAIN, "odd_even", "logistic", 10)
    assert table_title(network).startswith("odd-even network, logistic (β=10), n=10, digits")


def test_labels_say_what_is_done_to_which_loss() -> None:
    hessian = SortingConfig(
        loss="exact", source="ours", curvature="hessian", eigenvalues="raw", damping=0.5
    )
    assert row_label(hessian, MAIN) == "exact, NL (Hessian), raw, λ=0.5"
    clipped = replace(MAIN, clip=0.1, lr=0.01)
    assert row_label(clipped, MAIN) == "probability (field), plain, clipped at 0.1, rate 0.01"
    ours = replace(MAIN, source="ours", normalise=True)
    assert row_label(ours, MAIN) == "probability (ours), plain, normalised"
