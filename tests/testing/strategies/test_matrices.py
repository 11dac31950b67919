"""Matrices have the eigenvalues that their strategy promises."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.testing import strategies


@given(st.data(), st.integers(2, 4))
def test_matrices_have_the_eigenvalues_that_they_promise(data: st.DataObject, m: int) -> None:
    kind = data.draw(st.sampled_from(["positive_definite", "indefinite", "singular"]))
    matrix = data.draw(getattr(strategies, f"{kind}_matrices")(m=m, dtype=torch.float64))
    assert torch.equal(matrix, matrix.T)
    eigenvalues = torch.linalg.eigvalsh(matrix)
    sizes = eigenvalues.abs()
    if kind == "singular":
        assert sizes.min() < 1e-12
        assert eigenvalues.min() > -1e-12
    else:
        assert sizes.min() > 1 - 1e-9
        assert sizes.max() < 16 + 1e-9
        assert (eigenvalues.min() < 0) == (kind == "indefinite")
        assert eigenvalues.max() > 0
