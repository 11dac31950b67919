"""Networks and scores for the tests of sorting networks: constructed, never filtered."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS

KINDS = [("odd_even", n) for n in (1, 2, 3, 5, 6)] + [("bitonic", n) for n in (1, 2, 4, 8)]
SMOOTH = ("logistic", "cauchy", "gaussian")
# Their second derivative jumps where scores are tied or evenly spaced: there, rounding decides.
KINKED = ("reciprocal", "optimal")


@st.composite
def networks(draw: st.DrawFn, *, distributions: tuple[str, ...] = DISTRIBUTIONS) -> SortingNetwork:
    """Any network of up to 8 scores."""
    kind, n = draw(st.sampled_from(KINDS))
    return SortingNetwork(
        n,
        network=kind,
        distribution=draw(st.sampled_from(distributions)),
        steepness=draw(st.sampled_from([0.5, 3.0, 10.0])),
        descending=draw(st.booleans()),
    )


@st.composite
def batches(draw: st.DrawFn, n: int, *, ties: bool = True, wide: bool = True) -> Tensor:
    """Scores `(N, n)` in float64, exact in float32: close, wide apart, or tied."""
    N = draw(st.integers(1, 4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    scores = torch.randn(N, n, generator=generator, device="cpu")
    if ties and draw(st.booleans()):
        scores = scores.round()
    scores = scores * draw(st.sampled_from([0.1, 1.0, 30.0] if wide else [0.1, 1.0]))
    return scores.to(torch.get_default_device()).double()


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    distributions: tuple[str, ...] = DISTRIBUTIONS,
    ties: bool = True,
    wide: bool = True,
    kinks: bool = True,
) -> tuple[SortingNetwork, Tensor, Tensor]:
    """A network, scores and any true order, `(N, n)`; without `kinks`, scores off the kinks."""
    network = draw(networks(distributions=distributions))
    ties = ties and (kinks or network.distribution not in KINKED)
    scores = draw(batches(network.n, ties=ties, wide=wide))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    order = torch.rand(scores.shape, generator=generator, device="cpu").argsort(-1)
    return network, scores, order.to(scores.device)


SHORT = [(kind, n) for kind, n in KINDS if n > 1] + [("odd_even", 8)]
LONG = [("odd_even", 15)]
SPREADS = (0.0, 0.1, 1.0, 5.0, 50.0)


@st.composite
def spread_scores(draw: st.DrawFn, n: int, dtype: torch.dtype) -> Tensor:
    """Scores `(n,)` from tied to 50 standard deviations apart, with ties and near ties."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    scores = torch.randn(n, generator=generator, device="cpu")
    kind = draw(st.sampled_from(["apart", "tied", "nearly tied"]))
    if kind != "apart":
        scores = (2.0 * scores).round() / 2.0
    if kind == "nearly tied":
        gap = 10.0 ** draw(st.integers(-9, -1))
        scores = scores + gap * torch.randn(n, generator=generator, device="cpu")
    scores = (draw(st.sampled_from(SPREADS)) * scores).to(torch.float32)
    return scores.to(torch.get_default_device(), dtype)


@st.composite
def spread_cases(
    draw: st.DrawFn,
    *,
    distributions: tuple[str, ...] = DISTRIBUTIONS,
    sizes: Sequence[tuple[str, int]] = SHORT,
) -> tuple[SortingNetwork, Tensor, Tensor, list[float]]:
    """A network, scores and a true order of one sample, and a direction, `(n,)` each.

    The scores may be saturated right or wrong.
    """
    kind, n = draw(st.sampled_from(sizes))
    network = SortingNetwork(
        n,
        network=kind,
        distribution=draw(st.sampled_from(distributions)),
        steepness=draw(st.sampled_from([10.0, 0.5])),
    )
    scores = draw(spread_scores(n, draw(st.sampled_from([torch.float32, torch.float64]))))
    truth = draw(st.sampled_from(["right", "wrong", "any"]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    noise = torch.rand(n, generator=generator, device="cpu").to(scores.device)
    order = (noise if truth == "any" else scores).argsort(descending=truth == "wrong", stable=True)
    numbers = st.sampled_from([0.0, 1.0, -1.0, 2.0])
    return network, scores, order, draw(st.lists(numbers, min_size=n, max_size=n))


@st.composite
def lists(
    draw: st.DrawFn, *, distributions: tuple[str, ...] = DISTRIBUTIONS
) -> tuple[SortingNetwork, Tensor, Tensor, Tensor]:
    """A network, and lists of different lengths: scores, orders and mask, `(N, n)` each.

    The padding holds anything; the absent elements come last in the order.
    """
    n = draw(st.integers(1, 7))
    network = SortingNetwork(
        n,
        distribution=draw(st.sampled_from(distributions)),
        steepness=draw(st.sampled_from([0.5, 10.0])),
        descending=draw(st.booleans()),
    )
    row = st.lists(st.booleans(), min_size=n, max_size=n)
    mask = torch.tensor(draw(st.lists(row, min_size=1, max_size=4)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    scores = torch.stack([draw(spread_scores(n, dtype)) for _ in mask])
    padding = draw(st.sampled_from([0.0, 1e30, torch.inf, torch.nan]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    noise = torch.rand(scores.shape, generator=generator, device="cpu").to(scores.device)
    order = noise.masked_fill(~mask, torch.inf).argsort(-1)
    return network, scores.masked_fill(~mask, padding), order, mask
