"""Whether a loss couples samples, from one product with its full Hessian."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._derivatives._independence import couples_samples
from tests.settings import DEVICE
from tests.strategies import dtypes, seeds


def products_with(full: Tensor, vectors: Tensor) -> Tensor:
    """Products of the matrix `(Nm, Nm)` with vectors `(k, N, m)`."""
    return (vectors.flatten(1) @ full.mT).view_as(vectors)


def problem(seed: int, n: int, m: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A symmetric full matrix without blocks across samples, and its blocks."""
    generator = torch.Generator("cpu").manual_seed(seed)
    blocks = torch.randn(n, m, m, generator=generator, dtype=dtype, device="cpu").to(DEVICE)
    blocks = blocks + blocks.mT
    return torch.block_diag(*blocks), blocks


@given(seeds, st.integers(1, 5), st.integers(1, 4), dtypes, st.sampled_from([1e-8, 1.0, 1e8]))
def test_blocks_alone_are_independent(
    seed: int, n: int, m: int, dtype: torch.dtype, scale: float
) -> None:
    full, blocks = problem(seed, n, m, dtype)
    kept = torch.ones(n, dtype=torch.bool, device=DEVICE)
    found = couples_samples(lambda v: products_with(scale * full, v), scale * blocks, kept)
    assert found.shape == ()
    assert not found


@given(seeds, st.integers(2, 5), st.integers(1, 4), dtypes, st.sampled_from([1e-8, 1.0, 1e8]))
def test_a_block_across_samples_is_found(
    seed: int, n: int, m: int, dtype: torch.dtype, scale: float
) -> None:
    full, blocks = problem(seed, n, m, dtype)
    full[0, -1] = full[-1, 0] = 0.1 * blocks.abs().max()
    # What the columns of all samples at once make of it: sums.
    blocks[0, 0, -1] += full[0, -1]
    blocks[-1, -1, 0] += full[-1, 0]
    kept = torch.ones(n, dtype=torch.bool, device=DEVICE)
    assert couples_samples(lambda v: products_with(scale * full, v), scale * blocks, kept)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_samples_that_are_not_kept_do_not_count(bad: float) -> None:
    full, blocks = problem(0, 3, 2, torch.float64)
    blocks[1] = 0.0
    kept = torch.tensor([True, False, True], device=DEVICE)

    def products(vectors: Tensor) -> Tensor:
        found = products_with(full, vectors)
        found[:, 1] = bad
        return found

    assert not couples_samples(products, blocks, kept)
