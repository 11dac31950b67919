"""Jacobians against finite differences, `jacrev` and closed forms, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._derivatives import _linearise
from newton_optim._derivatives._linearise import linearise
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import seeds

shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))


def model_and_outputs(
    seed: int, n: int, m: int, k: int
) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """`u = sin(W y) exp(V y / 3)`, a model of k entries."""
    generator = torch.Generator().manual_seed(seed)
    options: Any = {"generator": generator, "dtype": torch.float64, "device": "cpu"}
    W, V = torch.randn(2, k, m, **options).to(DEVICE)
    y = torch.randn(n, m, **options).to(DEVICE)
    return lambda y: (y @ W.mT).sin() * (y @ V.mT / 3).exp(), y


def by_differences(model: Callable[[Tensor], Tensor], y: Tensor) -> np.ndarray:
    columns, h = [], 1e-5
    for direction in torch.eye(y.shape[-1], dtype=y.dtype, device=y.device):
        columns.append((model(y + h * direction) - model(y - h * direction)) / (2 * h))
    return torch.stack(columns, dim=-1).cpu().numpy()


@given(seeds, shapes, st.sampled_from([None, 1, 2, 100]))
def test_jacobians_are_those_of_finite_differences_and_of_jacrev(
    seed: int, shape: tuple[int, int, int], chunk_size: int | None
) -> None:
    model, y = model_and_outputs(seed, *shape)
    found = linearise(model, y)
    J = found.jacobians(chunk_size)
    assert torch.equal(found.value, model(y))
    np.testing.assert_allclose(J.cpu().numpy(), by_differences(model, y), rtol=1e-6, atol=1e-6)
    expected = torch.func.vmap(torch.func.jacrev(lambda row: model(row[None])[0]))(y)
    assert_close(J, expected)


@given(seeds, shapes)
def test_under_vmap_they_are_the_same(seed: int, shape: tuple[int, int, int]) -> None:
    model, y = model_and_outputs(seed, *shape)
    batches = torch.stack([y, 0.5 * y, -y])
    found = torch.func.vmap(lambda y: linearise(model, y).jacobians(None))(batches)
    assert_close(found, torch.stack([linearise(model, y).jacobians(None) for y in batches]))


@given(seeds, shapes)
def test_the_pullback_is_the_transpose(seed: int, shape: tuple[int, int, int]) -> None:
    model, y = model_and_outputs(seed, *shape)
    found = linearise(model, y)
    cotangents = torch.randn(2, *found.value.shape, dtype=y.dtype, device=y.device)
    expected = torch.einsum("nkm,cnk->cnm", found.jacobians(None), cotangents)
    assert_close(found.pullback(cotangents), expected)


@pytest.mark.parametrize(("m", "k", "products"), [(2, 7, 2), (7, 2, 2), (3, 3, 3)])
def test_the_smaller_number_of_products_is_taken(
    m: int, k: int, products: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def counted(value: Tensor, argument: Tensor, vectors: Tensor) -> Tensor:
        counts.append(len(vectors))
        return original(value, argument, vectors)

    original = _linearise._grads
    monkeypatch.setattr(_linearise, "_grads", counted)
    model, y = model_and_outputs(0, 4, m, k)
    linearise(model, y).jacobians(None)
    assert sum(counts) == products


def test_what_fits_into_memory_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, y = model_and_outputs(0, 4, 3, 8)
    expected = linearise(model, y).jacobians(None)
    sizes: list[int] = []
    original = _linearise._grads

    def noted(value: Tensor, argument: Tensor, vectors: Tensor) -> Tensor:
        sizes.append(len(vectors))
        return original(value, argument, vectors)

    monkeypatch.setattr(_linearise, "_grads", noted)
    monkeypatch.setattr(_linearise, "_NUMBERS", 2 * 4 * 8)
    assert torch.equal(linearise(model, y).jacobians(None), expected)
    assert sizes == [2, 1]


class ThroughNumpy(torch.autograd.Function):
    """A sine whose backward leaves PyTorch: its transpose would be silently zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.from_numpy(np.sin(x.detach().cpu().numpy())).to(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        product = grad.detach().cpu().numpy() * np.cos(x.detach().cpu().numpy())
        return torch.from_numpy(product).to(x)


def test_a_backward_that_leaves_pytorch_is_not_transposed() -> None:
    _, y = model_and_outputs(1, 4, 2, 6)
    W = torch.randn(6, 2, dtype=y.dtype, device=y.device)
    found = linearise(lambda y: ThroughNumpy.apply(y) @ W.mT, y)
    assert_close(found.jacobians(None), W * y.cos()[:, None, :])


@pytest.mark.parametrize("k", [1, 5])
def test_an_output_that_the_model_ignores_has_a_column_of_zeros(k: int) -> None:
    _, y = model_and_outputs(2, 4, 3, k)
    J = linearise(lambda y: y[:, :1].exp().expand(-1, k), y).jacobians(None)
    assert_close(J[:, :, 0], y[:, :1].exp().expand(-1, k))
    assert not bool(J[:, :, 1:].any())


def test_a_model_may_look_at_values() -> None:
    model, y = model_and_outputs(3, 4, 2, 5)
    looking = lambda y: model(y) * (2.0 if float(y.detach().sum()) > -1e9 else 1.0)  # noqa: E731
    assert_close(linearise(looking, y).jacobians(None), 2 * linearise(model, y).jacobians(None))


def test_a_model_in_float64_of_outputs_in_float32() -> None:
    model, y = model_and_outputs(4, 4, 2, 5)
    J = linearise(lambda y: model(y.double()), y.float()).jacobians(None)
    assert_close(J, linearise(model, y.float().double()).jacobians(None), torch.float32)


def test_without_autograd_around_it() -> None:
    model, y = model_and_outputs(5, 4, 2, 5)
    with torch.no_grad():
        J = linearise(model, y).jacobians(None)
    assert_close(J, linearise(model, y).jacobians(None))
    assert not J.requires_grad
