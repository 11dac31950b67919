"""Both sides of a comparison compute the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.speed import ranking_sides as sides

CPU = torch.device("cpu")
both = pytest.mark.parametrize("name", ["SoftSort", "NeuralSort"])


@both
def test_plain_training_has_the_same_gradient_where_the_field_is_right(name: str) -> None:
    pair = sides.plain_sides(name, 5, CPU)
    gradient, theirs = pair.ours(), pair.peer()
    assert isinstance(gradient, Tensor)
    assert isinstance(theirs, Tensor)
    close = torch.isclose(gradient, theirs, rtol=1e-2, atol=1e-5)
    assert close.float().mean() > 0.5


@both
def test_the_fields_derivatives_are_the_same(name: str) -> None:
    pair = sides.field_sides(name, 5, CPU)
    ours, theirs = pair.ours(), pair.peer()
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    for actual, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(actual, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # The compiler's own.
@pytest.mark.parametrize("second_order", [False, True])
def test_compiled_and_not(second_order: bool) -> None:
    pair = sides.compiled_sides("SoftSort", 3, second_order, CPU)
    torch.testing.assert_close(pair.ours(), pair.peer())
