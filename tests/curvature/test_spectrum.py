"""The eigenvalues that diagnostics report, known or computed when asked for."""

from __future__ import annotations

import pytest
import torch

from newton_optim.curvature._spectrum import Spectrum


@pytest.mark.parametrize(("treatment", "largest"), [("absolute", 3.0), ("clamp", 1.0)])
def test_it_computes_what_it_does_not_know(treatment: str, largest: float) -> None:
    C = torch.diag(torch.tensor([1.0, -3.0]))
    lazy = Spectrum(C, treatment).extremes()
    assert [float(w) for w in lazy] == pytest.approx([-3.0, 1.0, largest])


def test_it_does_not_compute_what_it_knows() -> None:
    spectrum = Spectrum(torch.full((2, 2), torch.nan), "absolute", torch.tensor([-2.0, 5.0]))
    assert [float(w) for w in spectrum.extremes()] == [-2.0, 5.0, 5.0]


def test_of_a_stack_it_reports_the_extremes_of_all() -> None:
    stack = torch.diag_embed(torch.tensor([[1.0, 2.0], [-7.0, 3.0]]))
    assert [float(w) for w in Spectrum(stack, "clamp").extremes()] == [-7.0, 3.0, 3.0]
