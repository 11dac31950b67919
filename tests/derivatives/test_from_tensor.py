"""The loss as a tensor: its graph, its scale and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import newton_optim
from tests.asserts import assert_close, assert_relatively_close

# --- Trap 2: a second derivative that is not there --------------------------------------------


@pytest.mark.parametrize("form", ["scalar", "vector"])
def test_a_linear_loss_has_no_hessian(form: str) -> None:
    y = torch.randn(4, 3, requires_grad=True)
    loss = (3 * y).sum(dim=1) if form == "vector" else (3 * y).sum() / 4
    with pytest.raises(ValueError, match=r"loss.*fisher|fisher.*loss"):
        newton_optim.newton_target(loss, y)
    loss = (3 * y).sum(dim=1) if form == "vector" else (3 * y).sum() / 4
    assert_close(newton_optim.newton_target(loss, y, curvature="identity"), y - 3, torch.float32)


def test_operators_without_a_second_derivative_are_refused_with_the_cause() -> None:
    """CTC is PyTorch's own: autograd's `RuntimeError` is chained."""
    y = torch.randn(2, 8, requires_grad=True)

    def ctc(y: Tensor) -> Tensor:
        log_probs = y.reshape(2, 4, 2).log_softmax(dim=-1).transpose(0, 1)
        lengths = torch.tensor([4, 4]), torch.tensor([1, 1])
        return F.ctc_loss(log_probs, torch.ones(2, 1).long(), *lengths, reduction="none")

    with pytest.raises(ValueError, match="fisher") as refusal:
        newton_optim.newton_target(ctc(y), y)
    assert isinstance(refusal.value.__cause__, RuntimeError)
    assert newton_optim.newton_target(ctc(y), y, curvature="fisher").isfinite().all()


# --- Trap 8: outputs that the loss was not computed from --------------------------------------


@pytest.mark.parametrize("view", ["view", "slice", "detach", "copy", "other"])
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_outputs_that_are_not_in_the_graph(view: str, curvature: str) -> None:
    y = torch.randn(4, 3, requires_grad=True) * 1
    loss = y.cosh().mean()
    taken = {
        "view": y.view(4, 3),
        "slice": y[:, :2],
        "detach": y.detach(),
        "copy": y.clone(),
        "other": torch.randn(4, 3, requires_grad=True),
    }[view]
    for entry_point in [newton_optim.newton_target, newton_optim.newton_loss]:
        with pytest.raises(ValueError, match="outputs"):
            entry_point(loss, taken, curvature=curvature)


def test_one_of_several_outputs_is_not_in_the_graph() -> None:
    y = torch.randn(4, 3, requires_grad=True) * 1
    loss = y.cosh().mean()
    with pytest.raises(ValueError, match="outputs"):
        newton_optim.newton_target(loss, (y, y.view(4, 3)))


# --- The seed of a mean -----------------------------------------------------------------------


@pytest.mark.parametrize("entry_point", ["newton_loss", "step"])
@pytest.mark.parametrize("loss_dtype", [torch.float16, torch.float32])
def test_small_gradients_of_a_half_precision_mean_do_not_flush_to_zero(
    entry_point: str, loss_dtype: torch.dtype
) -> None:
    """g_i = 1e-4 y_i over N = 8192: the mean's gradient is below float16's smallest number."""
    n = 8192
    parameter = torch.ones(n, 2, dtype=torch.float16, requires_grad=True)
    y = parameter * 1
    loss = (0.5e-4 * y.to(loss_dtype).square()).sum(dim=1).mean()
    if entry_point == "newton_loss":
        newton_optim.newton_loss(loss, y, damping=0.0).backward()
    else:
        base = torch.optim.SGD([parameter], lr=0.0)
        newton_optim.NewtonLossOptimizer(base, damping=0.0).step(lambda: (y, loss))
    assert parameter.grad is not None
    assert_relatively_close(parameter.grad.double() * n, np.ones((n, 2)), 1e-2)


@pytest.mark.parametrize("n", [8192, 65_536])  # the latter is no number of float16
def test_gradients_of_a_mean_in_float16_keep_their_digits(n: int) -> None:
    y = torch.ones(n, 1, requires_grad=True)
    loss = (0.5e-4 * y.half().square()).sum(dim=1).mean()
    z_star = newton_optim.newton_target(loss, y, curvature="identity")
    assert_relatively_close(1 - z_star, np.full((n, 1), 1e-4), 1e-2)


# The seed is a power of two next to n: below it, above it, and half of it.
@pytest.mark.parametrize("n", [5, 6, 65_536])
@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_a_half_precision_mean_of_any_number_of_samples(n: int, curvature: str) -> None:
    y = torch.linspace(-1.0, 1.0, 2 * n).reshape(n, 2).requires_grad_()
    exact = newton_optim.newton_target(lambda y: y.cosh().sum(1), y, curvature=curvature)
    mean = y.cosh().sum(dim=1).mean().half()
    assert_relatively_close(newton_optim.newton_target(mean, y, curvature=curvature), exact, 1e-5)


# --- Several outputs --------------------------------------------------------------------------


def test_one_of_several_outputs_may_be_linear() -> None:
    """Autograd has no second derivative of that part, which is zero."""
    a, b = (torch.randn(4, m, dtype=torch.float64, requires_grad=True) for m in (2, 3))
    loss = (0.5 * a.square()).sum(dim=1) + 3 * b.sum(dim=1)
    z_star = newton_optim.newton_target(loss, (a, b), damping=0.5)
    assert_close(z_star[0], a / 3)
    assert_close(z_star[1], b - 6)
