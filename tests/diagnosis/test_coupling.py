"""Independent and coupled losses are told apart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._diagnosis._coupling import Coupling, can_be_joint, coupling
from tests.diagnosis.losses import normal, normalised, probe_of, squared_distance
from tests.strategies import seeds


@settings(max_examples=20)
@given(seeds, st.integers(2, 7))
def test_coupling(seed: int, n: int) -> None:
    y, t = (normal(seed + i, n, 3, dtype=torch.float64) for i in range(2))
    independent: list[Any] = [
        squared_distance,
        lambda y, t: squared_distance(y, t).mean(),
        lambda y, t: (y.softmax(dim=1) * t).sum(),
    ]
    coupled: list[Any] = [
        lambda y, t: (y.mean(dim=0) - t).square().mean(),
        lambda y, t: (y @ y.mT).logsumexp(dim=1).mean(),
        lambda y, t: y.flatten().cumsum(0).square().sum(),
    ]
    for x in (y, y.float()):
        for loss in independent:
            assert coupling(probe_of(loss, x, t), x) == Coupling(
                is_coupled=False, is_stateful=False
            )
    for loss in coupled:
        assert coupling(probe_of(loss, y, t), y) == Coupling(is_coupled=True, is_stateful=False)


def test_batch_normalisation_couples() -> None:
    y, t = normal(0, 6, 3), normal(1, 6, 3)
    assert coupling(probe_of(normalised, y, t), y).is_coupled is True


def test_coupling_that_cannot_be_known() -> None:
    generator = torch.Generator("cpu").manual_seed(0)

    def restless(y: Tensor) -> Tensor:
        noise = torch.rand(y.shape, generator=generator, device="cpu").to(y)
        return (noise * y.square()).sum(dim=1)

    def fails_elsewhere(y: Tensor) -> Tensor:
        if y.abs().max() > 1.0:
            raise RuntimeError("outside")
        return y.square().sum(dim=1)

    y = normal(0, 4, 3)
    assert coupling(probe_of(restless, y), y) == Coupling(is_stateful=True)
    assert coupling(probe_of(lambda y: y.square().sum(dim=1), y[:1]), y[:1]).is_coupled is None
    y = torch.ones(4, 3)
    assert coupling(probe_of(fails_elsewhere, y), y).is_coupled is None


def test_far_moves_show_what_small_ones_do_not() -> None:
    """The hardest half of the batch counts, which a small move does not change."""

    def hardest(y: Tensor) -> Tensor:
        return y.square().sum(dim=1).topk(3).values.mean()

    y = torch.tensor([[1.0], [10.0], [2.0], [20.0], [30.0], [0.1]])
    assert coupling(probe_of(hardest, y), y).is_coupled is True


def test_a_state_is_no_coupling() -> None:
    calls: list[int] = []

    def warmed_up(y: Tensor) -> Tensor:
        calls.append(1)
        return len(calls) * y.square().sum(dim=1)

    y = normal(0, 4, 3)
    assert coupling(probe_of(warmed_up, y), y) == Coupling(is_stateful=True)


def test_noise_from_the_global_generator_does_not_matter() -> None:
    y = normal(0, 4, 3)
    loss = probe_of(lambda y: (torch.rand_like(y) * y.sin()).sum(dim=1), y)
    assert coupling(loss, y).is_coupled is False


@pytest.mark.parametrize(
    ("is_coupled", "times", "size", "expected"),
    [
        (True, 2, 2048, True),
        (True, 2, 2049, False),
        (True, 1, 6, False),
        (False, 2, 6, False),
        (None, 2, 6, False),
    ],
)
def test_can_be_joint(is_coupled: bool | None, times: int, size: int, expected: bool) -> None:
    assert can_be_joint(is_coupled, times, size) is expected
