"""The base class of the library's curvatures."""

from __future__ import annotations

import pytest

from newton_optim import Hessian
from newton_optim.curvature._base import Curvature


def test_repr_names_the_options() -> None:
    text = repr(Hessian(scope="sample", eigenvalues="raw"))
    assert "scope='sample'" in text
    assert "eigenvalues='raw'" in text


def test_a_curvature_of_the_library_must_solve() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Curvature()  # type: ignore[abstract]
