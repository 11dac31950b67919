from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import RankingLoss, SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS, PHI_EXPONENT, PHI_GUARD
from newton_optim.sorting._network_loss import network_derivatives, network_loss
from tests.asserts import EPS, hessian_of
from tests.sorting.network_strategies import SMOOTH, cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

Case = tuple[SortingNetwork, Tensor, Tensor]


def dense_weights_of_truth(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> Tensor:
    """`q` of one sample, straight from the definition."""
    P = network(scores)
    n = network.n
    q = []
    for i in range(n):
        for j in range(n):
            others = sum((P[i, k] for k in range(n) if k != j), torch.zeros_like(P[0, 0]))
            q.append(P[i, j] if ranks[j] == i else others)
    return torch.stack(q)


def dense_loss(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> Tensor:
    return -dense_weights_of_truth(network, scores, ranks).log().mean()


def without_near_ties(network: SortingNetwork, scores: Tensor) -> Tensor:
    """The scores; for logistic_phi such that no two wires inside of the network meet.

    Its second derivative jumps by 1e10 within 1e-10 of a tie: rounding alone decides where
    in between a comparator is whose wires are equal only mathematically.
    """
    if network.distribution != "logistic_phi":
        return scores
    return scores + torch.arange(network.n, dtype=scores.dtype).pow(1.5)


def size_of_parts(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> float:
    """The size of `Σ ∇q ∇qᵀ / (n q)²`, of which the Hessian may be a small difference."""

    def log_q(y: Tensor) -> Tensor:
        return dense_weights_of_truth(network, y, ranks).log()

    J = torch.func.jacrev(log_q)(scores) / network.n
    return float((J.T @ J).abs().max())


def assert_within(actual: Tensor, expected: Tensor, size: float, tolerance: float) -> None:
    error = (actual.double() - expected).abs().max()
    assert error <= tolerance * size, f"{float(error)} > {tolerance} x {size}"


@settings(max_examples=60)
@given(cases(wide=False, kinks=False))
def test_derivatives_are_those_of_the_dense_definition(case: Case) -> None:
    network, scores, ranks = case
    scores = without_near_ties(network, scores)
    derivatives = network_derivatives(network, scores, ranks)
    hessians = hessian_of(derivatives)
    for k, (y, r) in enumerate(zip(scores, ranks, strict=True)):
        gradient = torch.func.grad(lambda y, r=r: dense_loss(network, y, r))(y)
        hessian = torch.func.jacrev(torch.func.grad(lambda y, r=r: dense_loss(network, y, r)))(y)
        assert hessians[k].isfinite().all()
        if not hessian.isfinite().all():  # The reference's own 1/q² overflows in a gaussian tail.
            continue
        parts = size_of_parts(network, y, r) + 1e-12
        assert_within(derivatives.value[k], dense_loss(network, y, r), 1.0, 1e-13)
        # The dense definition loses slope and bend of a weight near one, beside the steepness.
        size = max(parts, parts**0.5, 1e-4 * network.steepness)
        assert_within(derivatives.gradient[k], gradient, size, 1e-11)
        # At a tie of logistic_phi the slope is 300 times, the bend 1e12 times that elsewhere.
        tolerance = 1e-6 if network.distribution == "logistic_phi" else 1e-11
        size = max(parts, float(hessian.abs().max()), 1e-4 * network.steepness**2)
        assert_within(hessians[k], hessian, size, tolerance)


@settings(max_examples=60)
@given(cases(kinks=False), st.sampled_from([torch.float32, torch.float64]))
def test_derivatives_are_those_of_the_loss(case: Case, dtype: torch.dtype) -> None:
    network, scores, ranks = case
    scores = without_near_ties(network, scores).to(dtype)

    def loss(y: Tensor, r: Tensor) -> Tensor:
        return network_loss(network, y, r)

    derivatives = network_derivatives(network, scores, ranks)
    gradient = torch.func.vmap(torch.func.grad(loss))(scores, ranks)
    hessian = torch.func.vmap(torch.func.hessian(loss))(scores, ranks)
    assert gradient.dtype == hessian.dtype == derivatives.gradient.dtype == dtype
    eps = torch.finfo(dtype).eps
    # In units of the steepness, and of the slope that a tie of logistic_phi has, which the rounding
    # of large scores shifts.
    unit = network.steepness
    if network.distribution == "logistic_phi":
        unit *= 1e3 * (1.0 + float(scores.abs().max()))
    value = network_loss(network, scores, ranks)
    torch.testing.assert_close(derivatives.value, value, rtol=8 * eps, atol=0.0)
    # The logarithmic slope of a gaussian tail of normal numbers is below 40.
    unit *= 40.0 if network.distribution == "gaussian" else 1.0
    # e^-k has condition number k: in float64, where the scores travel, a tail of normal numbers is
    # right to 709 ε. (A logistic's derivative is a multiple of the tail itself.)
    tail = 709 * EPS[torch.float64] if network.distribution == "gaussian" else 0.0
    # Both sides round the differences of the scores, each layer anew: a few ε for each of n layers.
    assert_within(derivatives.gradient, gradient, unit, 5 * network.n * eps + tail)
    size = max(unit**2, float(hessian.abs().max()))
    assert_within(hessian_of(derivatives), hessian, size, 20 * eps + tail)


@given(cases(distributions=SMOOTH, ties=False, wide=False))
def test_derivatives_are_finite_differences(case: Case) -> None:
    network, scores, ranks = case
    step = 1e-5 / network.steepness
    derivatives = network_derivatives(network, scores, ranks)
    moved = scores.unsqueeze(1) + step * torch.eye(network.n, dtype=scores.dtype)
    back = scores.unsqueeze(1) - step * torch.eye(network.n, dtype=scores.dtype)
    twice = ranks.unsqueeze(1).expand(-1, network.n, -1)
    ahead, behind = (network_derivatives(network, y, twice) for y in (moved, back))
    gradient = (ahead.value - behind.value) / (2 * step)
    hessian = (ahead.gradient - behind.gradient) / (2 * step)
    unit = network.steepness * (1.0 + float(derivatives.value.max()))
    assert_within(derivatives.gradient, gradient, unit, 1e-8)
    assert_within(hessian_of(derivatives), hessian, unit**2, 1e-7)


@settings(max_examples=60)
@given(cases(kinks=False))
def test_float32_is_float64_to_rounding(case: Case) -> None:
    network, scores, ranks = case
    narrow = network_derivatives(network, scores.float(), ranks)
    wide = network_derivatives(network, scores, ranks)
    # Where float32 clamps, at a loss of 87 per entry, it is another loss.
    q = torch.stack(
        [dense_weights_of_truth(network, y, r) for y, r in zip(scores, ranks, strict=True)]
    )
    free = q.amin(-1) > 2e-38
    unit = network.steepness * (1e3 if network.distribution == "logistic_phi" else 1.0)
    unit *= 13.0 if network.distribution == "gaussian" else 1.0
    for k in free.nonzero().flatten().tolist():
        value, gradient, hessian = wide.value[k], wide.gradient[k], hessian_of(wide)[k]
        # The value is right relatively, however small.
        assert_within(narrow.value[k], value, float(value) + 1e-36, 2e-6)
        assert_within(narrow.gradient[k], gradient, unit, 2e-6)
        size = max(unit**2, float(hessian.abs().max()))
        assert_within(hessian_of(narrow)[k], hessian, size, 4e-6)


@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_everything_is_finite_and_sums_to_zero(case: Case, dtype: torch.dtype) -> None:
    network, scores, ranks = case
    derivatives = network_derivatives(network, (1e3 * scores).to(dtype), ranks)
    hessian = hessian_of(derivatives)
    for part in (derivatives.value, derivatives.gradient, hessian):
        assert part.dtype == dtype
        assert part.isfinite().all()
    assert torch.equal(hessian, hessian.transpose(1, 2))
    # Only differences of the scores matter.
    unit = network.steepness * (1e3 if network.distribution == "logistic_phi" else 40.0)
    eps = torch.finfo(dtype).eps
    assert_within(derivatives.gradient.sum(-1), torch.zeros(()).double(), unit, 10 * eps)
    size = max(unit**2, float(hessian.abs().max()))
    assert_within(hessian.sum(-1), torch.zeros(()).double(), size, 40 * eps)


@given(cases(kinks=False))
def test_double_backward_is_the_hessian(case: Case) -> None:
    network, scores, ranks = case
    scores = without_near_ties(network, scores)
    y = scores.float().requires_grad_()
    (gradient,) = torch.autograd.grad(network_loss(network, y, ranks).sum(), y, create_graph=True)
    rows = [
        torch.autograd.grad(gradient[:, k].sum(), y, retain_graph=True)[0] for k in range(network.n)
    ]
    hessian = hessian_of(network_derivatives(network, scores.float(), ranks))
    size = max(float(hessian.abs().max()), (1e3 * network.steepness) ** 2)
    assert_within(torch.stack(rows, 1), hessian.double(), size, 1e-6)


@given(cases(kinks=False))
def test_samples_are_independent(case: Case) -> None:
    network, scores, ranks = case
    whole = network_derivatives(network, scores, ranks)
    bad = torch.full_like(scores[:1], torch.nan)
    mixed = network_derivatives(
        network, torch.cat((bad, scores.flip(0))), torch.cat((ranks[:1], ranks.flip(0)))
    )
    assert mixed.value[0].isnan()
    assert network_loss(network, bad, ranks[:1]).isnan().all()
    size = max(1.0, float(hessian_of(whole).abs().max()))
    for part in ("value", "gradient", "hessian"):
        expected, actual = getattr(whole, part), getattr(mixed, part)[1:].flip(0)
        assert_within(actual, expected, size, 1e-9)


@given(cases())
def test_a_descending_network_has_the_same_loss(case: Case) -> None:
    network, scores, ranks = case
    twin = SortingNetwork(
        network.n,
        network=network.network,
        distribution=network.distribution,
        steepness=network.steepness,
        descending=not network.descending,
    )
    own = network_derivatives(network, scores, ranks)
    other = network_derivatives(twin, scores, network.n - 1 - ranks)
    for part in ("value", "gradient", "hessian"):
        assert torch.equal(getattr(own, part), getattr(other, part))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("descending", [False, True])
def test_sorted_scores_have_the_least_loss(distribution: str, descending: bool) -> None:
    network = SortingNetwork(4, distribution=distribution, steepness=1e4, descending=descending)
    scores = torch.tensor([[0.3, -1.0, 2.0, 0.9]])
    right = network_loss(network, scores, scores.argsort(-1, descending=descending).argsort(-1))
    wrong = network_loss(network, scores, scores.argsort(-1, descending=not descending))
    assert right < 1e-3
    assert wrong > 0.5


def test_ties_of_logistic_phi_are_steep_and_finite() -> None:
    network = SortingNetwork(2, distribution="logistic_phi", steepness=3.0)
    derivatives = network_derivatives(network, torch.full((1, 2), 0.3), torch.tensor([[0, 1]]))
    # All four q are σ(w) with w = 0 and w' = β ε^(-1/4): l' = -w'/2, l'' = w'²/4.
    slope = 3.0 * PHI_GUARD**-PHI_EXPONENT
    gradient = slope / 2 * torch.tensor([[1.0, -1.0]])
    hessian = slope**2 / 4 * torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]])
    torch.testing.assert_close(derivatives.gradient, gradient)
    torch.testing.assert_close(hessian_of(derivatives), hessian)


def test_clamped_entries_have_zero_derivative() -> None:
    network = SortingNetwork(2, distribution="logistic", steepness=1.0)
    scores, ranks = torch.tensor([[200.0, 0.0], [80.0, 0.0]]), torch.tensor([[0, 1], [0, 1]])
    derivatives = network_derivatives(network, scores, ranks)
    tiny = torch.finfo(torch.float32).tiny
    expected = torch.tensor([-math.log(tiny), 80.0]).float()
    torch.testing.assert_close(derivatives.value, expected)
    torch.testing.assert_close(derivatives.gradient, torch.tensor([[0.0, 0.0], [1.0, -1.0]]))
    y = scores.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network_loss(network, y, ranks).sum(), y)
    torch.testing.assert_close(gradient, derivatives.gradient)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 1, 3)])
def test_any_leading_dimensions(shape: tuple[int, ...]) -> None:
    network = SortingNetwork(3)
    scores = torch.randn(shape)
    ranks = torch.rand(shape).argsort(-1)
    derivatives = network_derivatives(network, scores, ranks)
    assert derivatives.value.shape == network_loss(network, scores, ranks).shape == shape[:-1]
    assert derivatives.gradient.shape == shape
    assert hessian_of(derivatives).shape == (*shape, 3)


@pytest.mark.parametrize("n", [15, 16])
def test_the_squares_are_summed_in_chunks(n: int) -> None:
    network = SortingNetwork(n, network="odd_even" if n % 2 else "bitonic")
    scores, ranks = torch.randn(50, n).double(), torch.rand(50, n).argsort(-1)
    whole = network_derivatives(network, scores, ranks)
    one = network_derivatives(network, scores[-1:], ranks[-1:])
    torch.testing.assert_close(hessian_of(whole)[-1:], hessian_of(one), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    network = SortingNetwork(4)
    scores, ranks = torch.randn(3, 4).to(dtype), torch.rand(3, 4).argsort(-1)
    own = network_derivatives(network, scores, ranks)
    other = network_derivatives(network, scores.float(), ranks)
    assert torch.equal(own.gradient, other.gradient)
    assert torch.equal(hessian_of(own), hessian_of(other))
    assert network_loss(network, scores, ranks).dtype == torch.float32
    with torch.autocast(scores.device.type, dtype=torch.bfloat16):
        cast = network_derivatives(network, scores.float(), ranks)
        assert torch.equal(cast.gradient, other.gradient)
        assert torch.equal(hessian_of(cast), hessian_of(other))


def derivatives_of(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> list[Tensor]:
    derivatives = network_derivatives(network, scores, ranks)
    return [derivatives.value, derivatives.gradient, hessian_of(derivatives)]


@pytest.mark.parametrize(("kind", "n"), [("odd_even", 1), ("odd_even", 4), ("bitonic", 4)])
def test_derivatives_work_under_vmap(kind: str, n: int) -> None:
    network = SortingNetwork(n, network=kind)
    scores, ranks = torch.randn(3, 2, n), torch.rand(3, 2, n).argsort(-1)
    mapped = torch.func.vmap(lambda y, r: derivatives_of(network, y, r))(scores, ranks)
    for actual, expected in zip(mapped, derivatives_of(network, scores, ranks), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(("kind", "n"), [("odd_even", 3), ("bitonic", 4)])
def test_derivatives_compile_as_one_graph(kind: str, n: int, backend: str) -> None:
    network = SortingNetwork(n, network=kind)
    scores, ranks = torch.randn(2, n), torch.rand(2, n).argsort(-1)
    torch._dynamo.reset()
    compiled = torch.compile(derivatives_of, fullgraph=True, backend=backend)
    expected = derivatives_of(network, scores, ranks)
    for actual, want in zip(compiled(network, scores, ranks), expected, strict=True):
        torch.testing.assert_close(actual, want, rtol=1e-5, atol=1e-5)


def test_scores_of_another_size_are_refused() -> None:
    loss = RankingLoss(SortingNetwork(4))
    scores = torch.zeros(2, 3)
    for function in (loss, loss.derivatives):
        with pytest.raises(ValueError, match=r"scores must have shape \(\.\.\., 4\)"):
            function(scores, scores)


@pytest.mark.parametrize("distribution", ["logistic", "gaussian", "cauchy"])
def test_trap_squares_of_small_probabilities(distribution: str) -> None:
    """At a spread of 600 / steepness q is e^-600 under a logistic, whose square is no float64."""
    network = SortingNetwork(5, distribution=distribution)
    scores = torch.tensor([0.0, 0.0, 0.0, 0.0, 59.9], dtype=torch.float64)
    ranks = torch.tensor([4, 3, 2, 1, 0])
    second = torch.func.hessian(lambda y: network_loss(network, y, ranks))(scores)
    exact = hessian_of(network_derivatives(network, scores, ranks))
    torch.testing.assert_close(second, exact, rtol=1e-9, atol=1e-9)
