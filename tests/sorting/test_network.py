from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from diffsort import DiffSortNet
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS
from tests.asserts import assert_close
from tests.sorting.mp_network import mp_permutation
from tests.sorting.network_strategies import KINDS, cases, networks

Case = tuple[SortingNetwork, Tensor, Tensor]


def rebuilt(network: SortingNetwork, **changes: Any) -> SortingNetwork:
    names = ("n", "network", "distribution", "steepness", "descending")
    arguments = {name: getattr(network, name) for name in names} | changes
    return SortingNetwork(arguments.pop("n"), **arguments)


@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_permutation_is_doubly_stochastic(case: Case, dtype: torch.dtype) -> None:
    network, scores, _ = case
    P = network(scores.to(dtype))
    assert P.shape == (*scores.shape, network.n)
    assert P.dtype == dtype
    assert (P >= 0.0).all()
    assert_close(P.sum(-1), torch.ones_like(scores), dtype)
    assert_close(P.sum(-2), torch.ones_like(scores), dtype)


def diffsort_permutation(network: SortingNetwork, scores: Tensor) -> Tensor:
    """diffsort's matrix, transposed to rank by element."""
    peer = DiffSortNet(
        network.network,
        network.n,
        device=str(scores.device),
        steepness=network.steepness,
        distribution=network.distribution,
    )
    P: Tensor = peer(scores)[1].mT
    return P.flip(-2) if network.descending else P


@given(cases(wide=False))
def test_values_and_gradients_are_diffsorts(case: Case) -> None:
    network, scores, _ = case
    if network.n == 1:  # diffsort has no such network.
        return
    scores.requires_grad_()
    ours, theirs = network(scores), diffsort_permutation(network, scores)
    # Its guard against 0/0 is 1e-10, also for "optimal"; its gaussian keeps a float32 sigma.
    np.testing.assert_allclose(ours.tolist(), theirs.tolist(), atol=1e-7)
    if network.distribution == "logistic_phi":  # Near a tie its slope is that of the guard: apart.
        scores = torch.randn_like(scores).requires_grad_()
        ours, theirs = network(scores), diffsort_permutation(network, scores)
    weights = torch.randn_like(ours)
    gradients = [torch.autograd.grad((P * weights).sum(), scores)[0] for P in (ours, theirs)]
    scale = max(1.0, gradients[1].abs().max().item())
    np.testing.assert_allclose(*(g.tolist() for g in gradients), atol=1e-6 * scale)


@pytest.mark.parametrize(("kind", "n"), KINDS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_network_is_diffsorts_in_float32(kind: str, n: int, distribution: str) -> None:
    if n > 1:
        network = SortingNetwork(n, network=kind, distribution=distribution)
        scores = torch.randn(5, n)
        expected = diffsort_permutation(network, scores)
        torch.testing.assert_close(network(scores), expected, rtol=0.0, atol=3e-6)


@given(networks(), st.integers(0, 2**32 - 1))
def test_a_hard_network_sorts(network: SortingNetwork, seed: int) -> None:
    torch.manual_seed(seed)
    # Distinct integers: at this steepness every comparator is decided, cauchy to 1e-8.
    scores = torch.stack([torch.randperm(network.n) for _ in range(3)]).double()
    P = rebuilt(network, steepness=1e8)(scores)
    order = scores.argsort(-1, descending=network.descending)
    expected = torch.nn.functional.one_hot(order, network.n).double()
    np.testing.assert_allclose(P.tolist(), expected.tolist(), atol=1e-5)
    ranked = (P @ scores.unsqueeze(-1)).squeeze(-1)
    np.testing.assert_allclose(ranked.tolist(), scores.gather(-1, order).tolist(), atol=1e-4)


@given(cases())
def test_descending_is_ascending_with_the_ranks_reversed(case: Case) -> None:
    network, scores, _ = case
    other = rebuilt(network, descending=not network.descending)
    assert torch.equal(other(scores), network(scores).flip(-2))


@given(cases())
def test_leading_dimensions_are_a_batch(case: Case) -> None:
    network, scores, _ = case
    P = network(scores)
    # To the last bit but one: vector and scalar code of a function may round differently.
    np.testing.assert_allclose(network(scores.flip(0)).tolist(), P.flip(0).tolist(), rtol=1e-9)
    np.testing.assert_allclose(network(scores[0]).tolist(), P[0].tolist(), rtol=1e-9)
    twice = network(scores.unsqueeze(1).expand(-1, 2, -1))
    np.testing.assert_allclose(twice[:, 1].tolist(), P.tolist(), rtol=1e-9)
    assert network(scores[:0]).shape == (0, network.n, network.n)


@given(cases(), st.floats(-100.0, 100.0))
def test_only_differences_matter(case: Case, shift: float) -> None:
    network, scores, _ = case
    if network.distribution == "logistic_phi":  # Its slope at a tie is 300 times larger.
        scores = scores + torch.arange(network.n)
    moved = network(scores + shift)
    np.testing.assert_allclose(moved.tolist(), network(scores).tolist(), atol=1e-9)


@settings(max_examples=30)
@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_small_entries_are_right_to_rounding(case: Case, dtype: torch.dtype) -> None:
    network, scores, _ = case
    actual = network(scores[:1].to(dtype))[0].double().cpu().numpy()
    expected = np.array(mp_permutation(network, scores[0].tolist()))
    normal = expected > torch.finfo(dtype).tiny * 2
    error = np.abs(actual - expected)[normal] / expected[normal]
    # The scores travel in float64: an entry e^-k has condition number k there (k² for gaussian).
    assert error.size == 0 or error.max() <= (2e-6 if dtype == torch.float32 else 1e-8)
    assert (actual[~normal] <= 4.0 * torch.finfo(dtype).tiny).all()


@given(cases(), st.sampled_from([torch.nan, torch.inf, -torch.inf]))
def test_a_bad_sample_leaves_the_others_alone(case: Case, bad: float) -> None:
    network, scores, _ = case
    P = network(scores)
    broken = torch.cat((torch.full_like(scores[:1], bad), scores))
    np.testing.assert_allclose(network(broken)[1:].tolist(), P.tolist(), rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    network = SortingNetwork(5)
    scores = torch.randn(4, 5).to(dtype)
    assert torch.equal(network(scores), network(scores.float()).to(dtype))


def test_a_single_score_is_sorted() -> None:
    for kind in ("odd_even", "bitonic"):
        network = SortingNetwork(1, network=kind)
        scores = torch.randn(3, 1, requires_grad=True)
        P = network(scores)
        assert torch.equal(P, torch.ones(3, 1, 1))


# The first forward-mode derivative of a process scripts torch's own decompositions.
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(("kind", "n"), [("odd_even", 3), ("bitonic", 4)])
def test_torch_func_agrees_with_autograd(kind: str, n: int, distribution: str) -> None:
    network = SortingNetwork(n, network=kind, distribution=distribution, steepness=2.0)
    scores = torch.randn(2, n, dtype=torch.float64)
    weights = torch.randn(n, n, dtype=torch.float64)

    def loss(y: Tensor) -> Tensor:
        return (network(y) * weights).sum().square()

    for k, y in enumerate(scores):
        gradient = torch.autograd.functional.jacobian(loss, y)
        hessian = torch.autograd.functional.hessian(loss, y)
        assert_close(torch.func.grad(loss)(y), gradient)
        assert_close(torch.func.hessian(loss)(y), hessian)
        assert_close(torch.func.vmap(torch.func.grad(loss))(scores)[k], gradient)
        assert_close(torch.func.vmap(torch.func.jacrev(torch.func.grad(loss)))(scores)[k], hessian)
    assert torch.autograd.gradcheck(network, scores.requires_grad_())
    assert torch.autograd.gradgradcheck(network, scores.requires_grad_())


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(("kind", "n"), [("odd_even", 3), ("bitonic", 4)])
def test_forward_compiles_as_one_graph(kind: str, n: int, backend: str) -> None:
    network = SortingNetwork(n, network=kind, descending=True)
    scores = torch.randn(2, n)
    torch._dynamo.reset()
    compiled = torch.compile(network, fullgraph=True, backend=backend)
    torch.testing.assert_close(compiled(scores), network(scores))


def test_it_is_a_module_without_state() -> None:
    network = SortingNetwork(4, network="bitonic", distribution="gaussian", steepness=np.float32(3))
    scores = torch.randn(2, 4)
    assert not network.state_dict()
    assert not list(network.parameters())
    assert repr(network) == (
        "SortingNetwork(4, network='bitonic', distribution='gaussian', steepness=3.0, "
        "descending=False)"
    )
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), network.half()):
        assert torch.equal(twin(scores), network(scores))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be at least 1, got 0"),
        ({"n": 2.0}, TypeError, "n must be an integer, got float 2.0"),
        ({"n": 6, "network": "bitonic"}, ValueError, "n must be a power of two .*, got 6"),
        ({"network": "bubble"}, ValueError, "network must be one of 'odd_even', 'bitonic'"),
        ({"network": 1}, TypeError, "network must be one of"),
        ({"distribution": "normal"}, ValueError, "distribution must be one of 'logistic'"),
        ({"steepness": 0.0}, ValueError, "steepness must be above 0, got 0.0"),
        ({"steepness": float("nan")}, ValueError, "steepness must be finite, got nan"),
        ({"steepness": "10"}, TypeError, "steepness must be a real number, got str '10'"),
        ({"descending": 1}, TypeError, "descending must be a bool, got int 1"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SortingNetwork(**({"n": 4} | arguments))


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        (torch.zeros(2, 3), ValueError, r"scores must have shape \(\.\.\., 4\).*\(2, 3\)"),
        (torch.zeros(()), ValueError, r"scores must have shape \(\.\.\., 4\)"),
        (torch.zeros(2, 4, dtype=torch.int64), TypeError, "scores must be a floating-point tensor"),
        (torch.zeros(2, 4, dtype=torch.complex64), TypeError, "scores must be a floating-point"),
        ([0.0, 1.0, 2.0, 3.0], TypeError, "scores must be a tensor, got list"),
    ],
)
def test_bad_scores(scores: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SortingNetwork(4)(scores)
