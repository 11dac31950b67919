"""Titles of tables and labels of rows."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.inverse.names import row_label, table_title
from tests.benchmarks.inverse.settings import (
    ADAPTIVE,
    CLIPPED,
    HESSIAN,
    LEAST_SQUARES,
    NEWTON,
    PRIOR,
    SMALL,
)


def test_titles_name_problem_noise_and_size() -> None:
    size = "8 steps of 5, width 6"
    assert table_title(SMALL) == f"monoexponential decay, SNR 100, {size}"
    assert table_title(PRIOR) == f"monoexponential decay, SNR 100, loss with a prior, {size}"
    arm = replace(SMALL, data="planar-arm", snr=None)
    assert table_title(arm) == f"planar arm, 4 joints, {size}"
    assert table_title(replace(NEWTON, factor=2)) == table_title(SMALL)


def test_labels_say_what_is_done_to_the_loss() -> None:
    assert row_label(SMALL, SMALL) == "plain"
    assert row_label(replace(SMALL, factor=2, lr=1.0), SMALL) == "plain, 2× steps, rate 1"
    assert row_label(CLIPPED, SMALL) == "plain, clipped at 0.01"
    assert row_label(NEWTON, SMALL) == "NL (Gauss-Newton, sample), λ=0.1"
    shared = replace(NEWTON, scope="shared")
    assert row_label(shared, SMALL) == "NL (Gauss-Newton, sample, shared λ), λ=0.1"
    bounded = replace(shared, clip=0.03)
    assert row_label(bounded, SMALL).endswith("shared λ), λ=0.1, steps up to 0.03")
    assert row_label(HESSIAN, SMALL) == "NL (Hessian, sample), absolute, λ=0.1"
    assert row_label(ADAPTIVE, SMALL) == "NL (Levenberg-Marquardt, sample), 2 inner steps, λ=0.1"
    assert row_label(LEAST_SQUARES, SMALL) == "least squares, per sample"
