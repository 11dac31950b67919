"""Cosines, ratios and sizes, worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from newton_optim._diagnosis._comparison import cosine, differ, ratio, share, typical_size


def test_cosine() -> None:
    a, b = torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])
    assert cosine(a, b) == pytest.approx(0.96)
    assert cosine(a, -2 * a) == pytest.approx(-1.0)
    assert np.isnan(cosine(a, 0 * a))


def test_ratio() -> None:
    zero, three, four = torch.tensor([0.0, 3.0, 4.0]).unbind()
    assert (ratio(three, four), ratio(three, zero), ratio(zero, zero)) == (0.75, np.inf, 1.0)


def test_share() -> None:
    assert share(torch.tensor([True, False, False, True, True])) == pytest.approx(0.6)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_differ_is_relative_to_the_largest_entry(scale: float) -> None:
    a = scale * torch.tensor([1.0, 2.0, 0.0])
    assert not differ(a, a + scale * 6e-4)
    assert differ(a, a + scale * 8e-4)
    assert not differ(0 * a, 0 * a)


@pytest.mark.parametrize(
    ("entries", "size"), [([3.0, -4.0], 12.5**0.5), ([0.0], 1.0), ([torch.nan, 2.0], 2.0)]
)
def test_typical_size(entries: list[float], size: float) -> None:
    assert typical_size(torch.tensor(entries)) == pytest.approx(size)
