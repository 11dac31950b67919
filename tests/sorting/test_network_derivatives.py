from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import (
    DISTRIBUTIONS,
    FAT_TAILED,
    PHI_EXPONENT,
    PHI_GUARD,
)
from newton_optim.sorting._linear_derivatives import LinearDerivatives
from newton_optim.sorting._network_derivatives import network_derivatives
from newton_optim.sorting._network_loss import network_loss
from tests.asserts import hessian_of
from tests.sorting.dense_network import (
    assert_within,
    dense_loss,
    size_of_parts,
    without_near_ties,
)
from tests.sorting.mp_network import mp_loss_along
from tests.sorting.network_bounds import assert_right_to_rounding
from tests.sorting.network_strategies import SMOOTH, cases, spread_cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

Case = tuple[SortingNetwork, Tensor, Tensor]
SpreadCase = tuple[SortingNetwork, Tensor, Tensor, list[float]]


@settings(max_examples=60)
@given(cases(wide=False, kinks=False))
def test_derivatives_are_those_of_the_dense_definition(case: Case) -> None:
    network, scores, order = case
    scores = without_near_ties(network, scores)
    derivatives = network_derivatives(network, scores, order)
    hessians = hessian_of(derivatives)
    for k, (y, o) in enumerate(zip(scores, order, strict=True)):
        gradient = torch.func.grad(lambda y, o=o: dense_loss(network, y, o))(y)
        hessian = torch.func.jacrev(torch.func.grad(lambda y, o=o: dense_loss(network, y, o)))(y)
        assert hessians[k].isfinite().all()
        if not hessian.isfinite().all():  # The reference's own 1/q² overflows in a gaussian tail.
            continue
        parts = size_of_parts(network, y, o) + 1e-12
        assert_within(derivatives.value[k], dense_loss(network, y, o), 1.0, 1e-13)
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
    network, scores, order = case
    scores = without_near_ties(network, scores).to(dtype)

    def loss(y: Tensor, o: Tensor) -> Tensor:
        return network_loss(network, y, o)

    derivatives = network_derivatives(network, scores, order)
    gradient = torch.func.vmap(torch.func.grad(loss))(scores, order)
    hessian = torch.func.vmap(torch.func.hessian(loss))(scores, order)
    assert gradient.dtype == hessian.dtype == derivatives.gradient.dtype == dtype
    eps = torch.finfo(dtype).eps
    # In units of the steepness, and of the slope that a tie of logistic_phi has, which the rounding
    # of large scores shifts.
    unit = network.steepness
    if network.distribution == "logistic_phi":
        unit *= 1e3 * (1.0 + float(scores.abs().max()))
    value = network_loss(network, scores, order)
    torch.testing.assert_close(derivatives.value, value, rtol=8 * eps, atol=0.0)
    if network.distribution == "gaussian":  # The slope of a tail's logarithm grows like v.
        unit *= 1.0 + network.steepness * 2.0 * float(scores.abs().max())
    if network.distribution == "optimal":  # The slope of its logarithm is at most 4.
        unit *= 4.0
    # Both sides round the differences of the scores, each layer anew: a few ε for each of n layers.
    assert_within(derivatives.gradient, gradient, unit, 5 * network.n * eps)
    size = max(unit**2, float(hessian.abs().max()))
    assert_within(hessian_of(derivatives), hessian, size, 20 * eps)


@given(cases(distributions=SMOOTH, ties=False, wide=False))
def test_derivatives_are_finite_differences(case: Case) -> None:
    network, scores, order = case
    step = 1e-5 / network.steepness
    derivatives = network_derivatives(network, scores, order)
    moved = scores.unsqueeze(1) + step * torch.eye(network.n, dtype=scores.dtype)
    back = scores.unsqueeze(1) - step * torch.eye(network.n, dtype=scores.dtype)
    twice = order.unsqueeze(1).expand(-1, network.n, -1)
    ahead, behind = (network_derivatives(network, y, twice) for y in (moved, back))
    gradient = (ahead.value - behind.value) / (2 * step)
    hessian = (ahead.gradient - behind.gradient) / (2 * step)
    unit = network.steepness * (1.0 + float(derivatives.value.max()))
    assert_within(derivatives.gradient, gradient, unit, 1e-8)
    assert_within(hessian_of(derivatives), hessian, unit**2, 1e-7)


@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_everything_is_finite_and_sums_to_zero(case: Case, dtype: torch.dtype) -> None:
    network, scores, order = case
    derivatives = network_derivatives(network, (1e3 * scores).to(dtype), order)
    hessian = hessian_of(derivatives)
    for part in (derivatives.value, derivatives.gradient, hessian):
        assert part.dtype == dtype
        assert part.isfinite().all()
    assert torch.equal(hessian, hessian.transpose(1, 2))
    # Only differences of the scores matter.
    unit = network.steepness * (1e3 if network.distribution == "logistic_phi" else 40.0)
    if network.distribution == "gaussian":  # The slope of a tail's logarithm grows like v.
        unit *= 1.0 + network.steepness * 1e3 * float(scores.abs().max())
    eps = torch.finfo(dtype).eps
    assert_within(derivatives.gradient.sum(-1), torch.zeros(()).double(), unit, 10 * eps)
    size = max(unit**2, float(hessian.abs().max()))
    assert_within(hessian.sum(-1), torch.zeros(()).double(), size, 40 * eps)


@given(cases(kinks=False))
def test_samples_are_independent(case: Case) -> None:
    network, scores, order = case
    whole = network_derivatives(network, scores, order)
    bad = torch.full_like(scores[:1], torch.nan)
    mixed = network_derivatives(
        network, torch.cat((bad, scores.flip(0))), torch.cat((order[:1], order.flip(0)))
    )
    assert mixed.value[0].isnan()
    assert network_loss(network, bad, order[:1]).isnan().all()
    size = max(1.0, float(hessian_of(whole).abs().max()))
    for part in ("value", "gradient", "hessian"):
        expected, actual = getattr(whole, part), getattr(mixed, part)[1:].flip(0)
        assert_within(actual, expected, size, 1e-9)


@given(cases())
def test_a_descending_network_has_the_same_loss(case: Case) -> None:
    network, scores, order = case
    twin = SortingNetwork(
        network.n,
        network=network.network,
        distribution=network.distribution,
        steepness=network.steepness,
        descending=not network.descending,
    )
    own = network_derivatives(network, scores, order)
    other = network_derivatives(twin, scores, order)
    for part in ("value", "gradient", "hessian"):
        assert torch.equal(getattr(own, part), getattr(other, part))


def test_ties_of_logistic_phi_are_steep_and_finite() -> None:
    network = SortingNetwork(2, distribution="logistic_phi", steepness=3.0)
    derivatives = network_derivatives(network, torch.full((1, 2), 0.3), torch.tensor([[0, 1]]))
    # All four q are σ(w) with w = 0 and w' = β ε^(-1/4): l' = -w'/2, l'' = w'²/4.
    slope = 3.0 * PHI_GUARD**-PHI_EXPONENT
    gradient = slope / 2 * torch.tensor([[1.0, -1.0]])
    hessian = slope**2 / 4 * torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]])
    torch.testing.assert_close(derivatives.gradient, gradient)
    torch.testing.assert_close(hessian_of(derivatives), hessian)


@settings(max_examples=120)
@given(spread_cases())
def test_derivatives_are_right_to_rounding(case: SpreadCase) -> None:
    """Against 60 digits, at any spread, saturated right and wrong, in all distributions."""
    network, scores, order, direction = case
    found = network_derivatives(network, scores[None], order[None])
    line = mp_loss_along(network, scores.tolist(), order.tolist(), direction)
    parts = found.value[0], found.gradient[0], hessian_of(found)[0]
    assert_right_to_rounding(network, scores, direction, line, parts)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_each_sample_has_the_form_that_is_right_for_it(distribution: str) -> None:
    """Of scores in the wrong order by far, the entries of P leave the range of float32.

    Fat-tailed weights do so at 10⁶ units, of which n multiply; the others at 100. There the linear
    form has lost its gradient.
    """
    n = 8
    network = SortingNetwork(n, distribution=distribution, steepness=1.0)
    far = 1e6 if distribution in FAT_TAILED else 100.0
    scores = torch.stack((torch.randn(n), far * torch.arange(n).float()))
    order = torch.arange(n).flip(0).expand(2, n)
    linear = LinearDerivatives(network, scores, order)
    assert linear.exact.tolist() == [True, False]
    found = network_derivatives(network, scores, order)
    direction = [1.0] + [0.0] * (n - 1)
    for k, y in enumerate(scores):
        line = mp_loss_along(network, y.tolist(), order[k].tolist(), direction)
        parts = found.value[k], found.gradient[k], hessian_of(found)[k]
        assert_right_to_rounding(network, y, direction, line, parts)
        error = abs(float(linear.value[k]) - float(line.loss.value))
        assert (error <= 1e-5 * float(line.loss.value)) == (k == 0)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 1, 3)])
def test_any_leading_dimensions(shape: tuple[int, ...]) -> None:
    network = SortingNetwork(3)
    scores = torch.randn(shape)
    order = torch.rand(shape).argsort(-1)
    derivatives = network_derivatives(network, scores, order)
    assert derivatives.value.shape == network_loss(network, scores, order).shape == shape[:-1]
    assert derivatives.gradient.shape == shape
    assert hessian_of(derivatives).shape == (*shape, 3)


@pytest.mark.parametrize("n", [15, 16])
def test_the_squares_are_summed_in_chunks(n: int) -> None:
    network = SortingNetwork(n, network="odd_even" if n % 2 else "bitonic")
    scores, order = torch.randn(50, n).double(), torch.rand(50, n).argsort(-1)
    whole = network_derivatives(network, scores, order)
    one = network_derivatives(network, scores[-1:], order[-1:])
    torch.testing.assert_close(hessian_of(whole)[-1:], hessian_of(one), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    network = SortingNetwork(4)
    scores, order = torch.randn(3, 4).to(dtype), torch.rand(3, 4).argsort(-1)
    own = network_derivatives(network, scores, order)
    other = network_derivatives(network, scores.float(), order)
    assert torch.equal(own.gradient, other.gradient)
    assert torch.equal(hessian_of(own), hessian_of(other))
    assert network_loss(network, scores, order).dtype == torch.float32
    with torch.autocast(scores.device.type, dtype=torch.bfloat16):
        cast = network_derivatives(network, scores.float(), order)
        assert torch.equal(cast.gradient, other.gradient)
        assert torch.equal(hessian_of(cast), hessian_of(other))


def derivatives_of(network: SortingNetwork, scores: Tensor, order: Tensor) -> list[Tensor]:
    derivatives = network_derivatives(network, scores, order)
    return [derivatives.value, derivatives.gradient, hessian_of(derivatives)]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(("kind", "n"), [("odd_even", 1), ("odd_even", 4), ("bitonic", 4)])
def test_derivatives_work_under_vmap(kind: str, n: int, distribution: str) -> None:
    network = SortingNetwork(n, network=kind, distribution=distribution)
    scores, order = torch.randn(3, 2, n), torch.rand(3, 2, n).argsort(-1)
    mapped = torch.func.vmap(lambda y, o: derivatives_of(network, y, o))(scores, order)
    for actual, expected in zip(mapped, derivatives_of(network, scores, order), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(("kind", "n"), [("odd_even", 3), ("bitonic", 4)])
def test_derivatives_compile_as_one_graph(kind: str, n: int, backend: str) -> None:
    network = SortingNetwork(n, network=kind)
    scores, order = torch.randn(2, n), torch.rand(2, n).argsort(-1)
    torch._dynamo.reset()
    compiled = torch.compile(derivatives_of, fullgraph=True, backend=backend)
    expected = derivatives_of(network, scores, order)
    for actual, want in zip(compiled(network, scores, order), expected, strict=True):
        torch.testing.assert_close(actual, want, rtol=1e-5, atol=1e-5)
