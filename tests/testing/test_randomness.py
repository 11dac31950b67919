"""The same random numbers in every run, on the CPU first, whatever the default device is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.testing._randomness import fixed_generator, normal_noise, orders, random_signs

LIKE = torch.zeros(1, dtype=torch.float64, device="cpu")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: random_signs((3, 2), LIKE, fixed_generator()),
        lambda: normal_noise((3, 2), LIKE, fixed_generator()),
        lambda: torch.stack(orders(7, LIKE.device)),
    ],
    ids=["signs", "noise", "orders"],
)
def test_it_does_not_depend_on_the_default_device(draw: Callable[[], Tensor]) -> None:
    expected = draw()
    with torch.device("meta"):
        found = draw()
    assert torch.equal(found, expected)


def test_signs() -> None:
    signs = random_signs((100,), LIKE, fixed_generator())
    assert signs.dtype == LIKE.dtype
    assert set(signs.tolist()) == {-1.0, 1.0}


def test_orders_are_permutations() -> None:
    reversal, shuffled = orders(7, LIKE.device)
    assert reversal.tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert sorted(shuffled.tolist()) == list(range(7))
