"""The base class of the library's curvatures."""

from __future__ import annotations

import pytest
import torch

from newton_optim import EmpiricalFisher, Hessian, LossDerivatives, RelativeDamping
from newton_optim.curvature._base import Curvature


def test_repr_names_the_options() -> None:
    text = repr(Hessian(scope="sample", eigenvalues="raw"))
    assert "scope='sample'" in text
    assert "eigenvalues='raw'" in text


def test_a_curvature_of_the_library_must_solve() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Curvature()  # type: ignore[abstract]


def test_a_step_that_is_asked_for_directly_has_the_bound_of_the_damping() -> None:
    g = torch.tensor([[3.0, 0.0], [0.0, 1e-3]], dtype=torch.float64)
    derivatives = LossDerivatives(torch.zeros(2, dtype=torch.float64), g)
    whole = EmpiricalFisher().newton_step(derivatives, RelativeDamping(0.3))
    found = EmpiricalFisher().newton_step(derivatives, RelativeDamping(0.3, max_step=0.1))
    assert whole[0].norm() > 0.1 > whole[1].norm()
    torch.testing.assert_close(found[0], 0.1 * whole[0] / whole[0].norm())
    assert torch.equal(found[1], whole[1])
