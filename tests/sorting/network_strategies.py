"""Networks and scores for the tests of sorting networks: constructed, never filtered."""

from __future__ import annotations

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
