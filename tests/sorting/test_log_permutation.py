from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._log_permutation import log_add_exp, log_of_nothing, log_permutation
from tests.asserts import EPS
from tests.sorting.mp_network import mp_log, mp_permutation
from tests.sorting.network_bounds import rounding_of_v
from tests.sorting.network_strategies import cases, spread_cases

Case = tuple[SortingNetwork, Tensor, Tensor]


@settings(max_examples=50)
@given(spread_cases(distributions=("logistic", "gaussian", "cauchy")))
def test_entries_are_right_however_small(
    case: tuple[SortingNetwork, Tensor, Tensor, object],
) -> None:
    network, scores, _, _ = case
    L = log_permutation(network, scores)
    v = network.steepness * 2.0 * float(scores.abs().max())
    slope = 1.0 + (v if network.distribution == "gaussian" else 0.0)
    # The rounding of every v enters with the slope of its weight's logarithm.
    bound = 8.0 * (slope * rounding_of_v(network, scores) + EPS[torch.float64] * network.n)
    for found, row in zip(L.tolist(), mp_permutation(network, scores.tolist()), strict=True):
        for actual, entry in zip(found, row, strict=True):
            truth = mp_log(entry)
            assert abs(actual - truth) <= bound + 8.0 * EPS[torch.float64] * abs(truth)


@given(cases(wide=False))
def test_they_are_the_logarithms_of_the_entries(case: Case) -> None:
    network, scores, _ = case
    P = log_permutation(network, scores).exp()
    P = P.flip(-2) if network.descending else P
    torch.testing.assert_close(P, network(scores), rtol=1e-9, atol=1e-12)


def test_wires_beyond_the_length_are_left_alone() -> None:
    network, scores = SortingNetwork(5), torch.randn(2, 5, dtype=torch.float64)
    P = log_permutation(network, scores, torch.tensor([3, 0])).exp()
    assert torch.equal(P[0, 3:], torch.eye(5, dtype=P.dtype)[3:])
    assert torch.equal(P[1], torch.eye(5, dtype=P.dtype))
    torch.testing.assert_close(P[0, :3, :3], SortingNetwork(3)(scores[0, :3]))


@pytest.mark.parametrize("gap", [0.0, 1e-9, -2.0, 50.0, -800.0])
def test_log_add_exp_has_the_derivatives_of_a_mixture(gap: float) -> None:
    point = torch.tensor([gap, 0.0], dtype=torch.float64)

    def function(pair: Tensor) -> Tensor:
        return log_add_exp(pair[0], pair[1])

    p, q = torch.tensor(gap, dtype=torch.float64).sigmoid(), torch.tensor(-gap).double().sigmoid()
    torch.testing.assert_close(function(point), point.logsumexp(0))
    torch.testing.assert_close(torch.func.grad(function)(point), torch.stack((p, q)))
    bend = p * q * torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(
        torch.func.jacrev(torch.func.grad(function))(point), bend, rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_stays_nothing(dtype: torch.dtype) -> None:
    nothing = torch.tensor(log_of_nothing(dtype), dtype=dtype)
    assert nothing - 1e6 == nothing
    assert (nothing + nothing).isfinite()
    assert log_add_exp(nothing + nothing, nothing) == nothing
    assert nothing.exp() == 0.0
