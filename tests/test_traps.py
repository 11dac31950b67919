"""The known traps of the core: every test fails without its cure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd.function import once_differentiable

import newton_optim
from newton_optim import EmpiricalFisher, Hessian, Identity, RelativeDamping
from tests.asserts import (
    assert_close,
    assert_relatively_close,
    assert_right_or_refused,
    damped_solve,
)
from tests.settings import DEVICE
from tests.strategies import Array, reduced, reductions, seeds, to_array

REFUSALS = (TypeError, ValueError)


# --- Trap 2: Functions whose second derivative is missing -------------------------------------


class OnceSquare(torch.autograd.Function):
    """x² with a backward that says that it cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class NumpySquare(torch.autograd.Function):
    """x² with a backward that leaves PyTorch without saying so."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        product = 2 * x.numpy(force=True) * grad.numpy(force=True)
        return torch.from_numpy(product).to(x.device)


class HandWrittenReLU(torch.autograd.Function):
    """Piecewise linear: its own second derivative is zero, rightly."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


class TutorialReLU(HandWrittenReLU):
    """The same as PyTorch's own tutorial writes it."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        result = grad.clone()
        result[x < 0] = 0
        return result


class ChoosingReLU(HandWrittenReLU):
    """The same with `where`, between the gradient and a constant."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad, torch.tensor(0.0, dtype=grad.dtype))


class TracedSquare(torch.autograd.Function):
    """x² as `torch.func` wants it, without a `jvp`; twice differentiable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.square()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class TracedOnceSquare(TracedSquare):
    """The same, but its backward says that it cannot be differentiated."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class TracedReLU(TracedSquare):
    """A hand-written ReLU as `torch.func` wants it."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


Elementwise = Callable[[Tensor], Tensor]
PLACES: dict[str, Callable[[Elementwise, Tensor], Tensor]] = {
    "alone": lambda f, y: f(y),
    "weighted": lambda f, y: 3 * f(y),
    "inside": lambda f, y: f(y).cosh(),
    "after": lambda f, y: f(y.sin()),
    "between": lambda f, y: f(y.sin()).exp(),
    "beside": lambda f, y: f(y) + y.pow(4),
    "beside, one coordinate": lambda f, y: torch.cat([f(y[:, :1]), y[:, 1:].pow(4)], dim=1),
    "multiplied": lambda f, y: f(y) * y.exp(),
    "twice": lambda f, y: f(f(y)),
}


def apply(function: Any) -> Elementwise:
    """`function.apply`, typed."""
    return lambda x: function.apply(x)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
@pytest.mark.parametrize("shape", ["scalar", "vector"])
def test_untraceable_functions_in_a_tensor_are_refused(
    place: str, function: Any, shape: str
) -> None:
    parameter = torch.randn(4, 3, requires_grad=True)
    y = parameter * 1
    losses = PLACES[place](apply(function), y).sum(dim=1)
    loss = losses if shape == "vector" else losses.mean()
    with pytest.raises(ValueError, match="fisher"):
        newton_optim.newton_target(loss, y)
    base = torch.optim.SGD([parameter], lr=1.0)
    before = parameter.detach().clone()
    y = parameter * 1
    losses = PLACES[place](apply(function), y).sum(dim=1)
    with pytest.raises(ValueError, match="fisher"):
        newton_optim.NewtonLossOptimizer(base).step(lambda: (y, losses))
    assert torch.equal(parameter, before)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
def test_untraceable_functions_in_a_callable_are_refused(place: str, function: Any) -> None:
    y = torch.randn(4, 3)
    loss = newton_optim.NewtonLoss(lambda y: PLACES[place](apply(function), y).sum(dim=1))
    with pytest.raises(REFUSALS, match=r"fisher|door|tensor"):
        loss(y.requires_grad_())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
def test_the_fisher_takes_untraceable_functions(place: str, function: Any) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    fisher = newton_optim.newton_target(
        PLACES[place](apply(function), y).sum(dim=1), y, curvature="fisher"
    )
    plain = PLACES[place](torch.square, y).sum(dim=1)
    assert_close(fisher, newton_optim.newton_target(plain, y, curvature="fisher"))


@pytest.mark.parametrize("place", ["inside", "between", "beside", "multiplied"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize(
    ("function", "peer"), [(TracedReLU, torch.relu), (TracedSquare, torch.square)]
)
def test_traceable_functions_are_not_refused(
    place: str, form: str, function: Any, peer: Elementwise
) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        return (PLACES[place](apply(function), y) + 0.5 * y.square()).sum(dim=1)

    def expected(y: Tensor) -> Tensor:
        return (PLACES[place](peer, y) + 0.5 * y.square()).sum(dim=1)

    z_star = newton_optim.newton_target(loss(y) if form == "tensor" else loss, y)
    assert_close(z_star, newton_step_by_autograd(expected, y))


@pytest.mark.parametrize("place", ["inside", "between", "beside", "multiplied"])
@pytest.mark.parametrize("relu", [HandWrittenReLU, TutorialReLU, ChoosingReLU])
def test_a_hand_written_relu_of_the_old_style_is_not_refused(place: str, relu: Any) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    loss = (PLACES[place](apply(relu), y) + 0.5 * y.square()).sum(dim=1)
    expected = newton_step_by_autograd(
        lambda y: (PLACES[place](torch.relu, y) + 0.5 * y.square()).sum(dim=1), y
    )
    assert_close(newton_optim.newton_target(loss, y), expected)


def newton_step_by_autograd(loss: Callable[[Tensor], Tensor], y: Tensor) -> Array:
    """z* of the default Hessian, sample by sample with `torch.autograd.functional`."""
    rows = y.detach().split(1)
    hessian = torch.autograd.functional.hessian
    H = np.stack([to_array(hessian(lambda row: loss(row).sum(), row).squeeze()) for row in rows])
    leaf = y.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(leaf).sum(), leaf)
    step = damped_solve(
        H.mean(axis=0), to_array(g), eigenvalues="absolute", damping=0.1, relative=True
    )
    return to_array(y) - step


def test_an_old_style_function_in_a_callable_is_right_or_refused_with_its_cause() -> None:
    """`torch.func` needs `setup_context`; the message of its absence must lead somewhere."""
    y = torch.randn(4, 3, dtype=torch.float64)
    loss = lambda y: HandWrittenReLU.apply(y).cosh().sum(dim=1)  # noqa: E731
    expected = newton_step_by_autograd(lambda y: y.relu().cosh().sum(dim=1), y)
    assert_right_or_refused(lambda: newton_optim.newton_target(loss, y), expected)


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


# --- Trap 5: solves that fail, and synchronisation ---------------------------------------------


@pytest.mark.skipif(DEVICE.type != "cuda", reason="only a device can be waited for")
@pytest.mark.parametrize(
    ("curvature", "damping"),
    [
        (Hessian(eigenvalues="raw"), 0.1),
        (Hessian(eigenvalues="raw"), RelativeDamping(0.1)),
        (Hessian(eigenvalues="raw", scope="sample"), 0.1),
        ("fisher", None),
        (EmpiricalFisher(scope="sample"), 1.0),
        (Identity(), 0.0),
    ],
)
def test_a_step_does_not_wait_for_the_device(curvature: Any, damping: Any) -> None:
    net = torch.nn.Linear(4, 3)
    x = torch.randn(8, 4)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD(net.parameters(), lr=0.1), curvature=curvature, damping=damping
    )

    def step() -> None:
        y = net(x)
        optimizer.step(lambda: (y, y.cosh().sum(dim=1)))

    step()
    try:
        torch.cuda.set_sync_debug_mode("error")
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_one_singular_sample_falls_back_alone() -> None:
    y = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    weights = torch.tensor([[2.0, 4.0], [0.0, 2.0]], dtype=torch.float64)
    slope = torch.tensor([[1.0, 1.0], [5.0, 6.0]], dtype=torch.float64)
    parameter = y.clone().requires_grad_()
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0),
        curvature=Hessian(scope="sample", eigenvalues="raw"),
        damping=0.0,
        reduction="sum",
    )
    optimizer.step(
        lambda: (parameter * 1, lambda y: (0.5 * weights * y.square() + slope * y).sum(dim=1))
    )
    gradient = weights * y + slope
    expected = torch.stack([gradient[0] / weights[0], gradient[1]])
    assert_close(parameter.grad, expected)
    assert optimizer.diagnostics["fallbacks"] == 1


# --- Trap 7: scaling, sharing, forwarding ------------------------------------------------------


def test_a_gradient_scaler_scales_the_newton_loss() -> None:
    results = []
    for scale in [None, 8.0]:
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler(
            DEVICE.type, init_scale=scale or 1.0, enabled=scale is not None
        )
        y = net(torch.randn(5, 3))
        loss = newton_optim.newton_loss(y.cosh().sum(dim=1), y)
        torch.autograd.backward(scaler.scale(loss))
        scaler.step(optimizer)
        scaler.update()
        results.append(net.weight.detach().clone())
    assert_close(results[1], results[0], torch.float32)


def test_the_optimizer_under_a_gradient_scaler() -> None:
    results = []
    for scale in [1.0, 1024.0]:
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(net.parameters(), lr=0.1))
        scaler = torch.amp.GradScaler(DEVICE.type, init_scale=scale)
        scaler.scale(torch.ones(()))  # The scale exists from the first call on.
        y = net(torch.randn(5, 3))
        optimizer.backward(y, y.cosh().sum(dim=1), scale=scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
        results.append(net.weight.detach().clone())
    assert_close(results[1], results[0], torch.float32)


def test_accumulation_divides_the_newton_loss() -> None:
    """Two micro-batches at half scale are the mean of their Newton gradients."""
    halves = torch.randn(2, 4, 3, dtype=torch.float64)
    parameter = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD([parameter], lr=1.0))
    gradients = []
    for x in halves:
        parameter.grad = None
        optimizer.backward(x @ parameter, lambda y: y.cosh().sum(dim=1))
        gradients.append(to_array(parameter.grad))
    parameter.grad = None
    before = parameter.detach().clone()
    for x in halves:
        y = x @ parameter
        optimizer.backward(y, y.cosh().sum(dim=1), scale=0.5)
    assert_close(parameter.grad, 0.5 * (gradients[0] + gradients[1]))
    assert torch.equal(parameter, before)
    optimizer.step()
    assert_close(parameter, before - parameter.grad)


def test_unknown_attributes_are_not_forwarded() -> None:
    base = torch.optim.Adam([torch.zeros(2, requires_grad=True)], fused=True)
    assert base._step_supports_amp_scaling
    base.of_the_base_alone = 1
    optimizer = newton_optim.NewtonLossOptimizer(base)
    for name in ["_step_supports_amp_scaling", "of_the_base_alone", "nonsense"]:
        assert not hasattr(optimizer, name)


def test_a_fused_base_under_a_gradient_scaler() -> None:
    parameter = torch.ones(3, requires_grad=True)
    plain = torch.ones(3, requires_grad=True)
    base = torch.optim.SGD([parameter], lr=0.1, fused=True)
    optimizer = newton_optim.NewtonLossOptimizer(base, curvature="identity", reduction="sum")
    scaler = torch.amp.GradScaler(DEVICE.type, init_scale=64.0)
    scaler.scale(torch.ones(()))
    y = parameter * 1
    optimizer.backward(y, lambda y: 0.5 * y.square(), scale=scaler.get_scale())
    scaler.step(optimizer)
    assert_close(parameter, plain - 0.1 * plain, torch.float32)


# --- Trap 8: outputs that the loss was not computed from ---------------------------------------


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
    for door in [newton_optim.newton_target, newton_optim.newton_loss]:
        with pytest.raises(ValueError, match="outputs"):
            door(loss, taken, curvature=curvature)


def test_one_of_several_outputs_is_not_in_the_graph() -> None:
    y = torch.randn(4, 3, requires_grad=True) * 1
    loss = y.cosh().mean()
    with pytest.raises(ValueError, match="outputs"):
        newton_optim.newton_target(loss, (y, y.view(4, 3)))


# --- Trap 9: losses that mutate, branch and read -----------------------------------------------


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_loss_that_mutates_its_inputs_cannot_corrupt_the_outputs(
    curvature: str, requires_grad: bool
) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=requires_grad)
    y = parameter * 1
    before = y.detach().clone()
    target = torch.randn(4, 3, dtype=torch.float64)

    def mutating(y: Tensor) -> Tensor:
        y -= target
        return y.square().sum(dim=1)

    expected = newton_optim.newton_target(
        lambda y: (y - target).square().sum(dim=1), before, curvature=curvature
    )
    call = partial(newton_optim.newton_target, mutating, y, curvature=curvature)
    assert_right_or_refused(call, expected)
    assert torch.equal(y, before)


@pytest.mark.parametrize("door", ["newton_loss", "step"])
def test_a_mutating_loss_leaves_the_network_gradient_right(door: str) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    before = parameter.detach().clone()
    y = parameter.exp()  # Its backward needs the values of y.

    def mutating(y: Tensor) -> Tensor:
        y.mul_(2)
        return y.square().sum(dim=1)

    try:
        if door == "newton_loss":
            newton_optim.newton_loss(mutating, y, damping=0.0).backward()
        else:
            base = torch.optim.SGD([parameter], lr=0.0)
            newton_optim.NewtonLossOptimizer(base, damping=0.0).step(lambda: (y, mutating))
    except REFUSALS:
        assert torch.equal(y, before.exp())
        return
    # l = 4 ‖y‖²: the step is y itself, and dy/dθ = y.
    assert_close(parameter.grad, before.exp().square() / 4)


def reading(y: Tensor) -> Tensor:
    """Huber by hand: data-dependent control flow and `.item()`."""
    total = y.sum() * 0
    for row in y:
        for entry in row:
            total = total + (entry.square() if abs(entry.item()) < 1 else 2 * entry.cosh())
    return total / len(y)


def traceable(y: Tensor) -> Tensor:
    """The same without reading."""
    return torch.where(y.abs() < 1, y.square(), 2 * y.cosh()).sum(dim=1)


def test_the_tensor_door_takes_losses_that_read_their_values() -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    z_star = newton_optim.newton_target(reading(y), y)
    assert_close(z_star, newton_step_by_autograd(traceable, y))


@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_a_callable_that_reads_its_values_is_right_or_refused(curvature: str) -> None:
    y = torch.randn(4, 3, dtype=torch.float64)
    expected = newton_optim.newton_target(traceable, y, curvature=curvature)
    call = partial(newton_optim.newton_target, reading, y, curvature=curvature)
    assert_right_or_refused(call, expected, way_out=r"tensor|door")


# --- Trap 11: a λ far above the curvature ------------------------------------------------------


def test_diagnostics_tell_of_a_damping_that_drowns_the_curvature() -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=0.0), damping=1000.0
    )
    optimizer.step(lambda: (parameter * 1, lambda y: (0.25 * y.square()).sum(dim=1)))
    diagnostics = optimizer.diagnostics
    assert diagnostics["damping"] == 1000.0
    assert_close(diagnostics["eigenvalue_max"], 0.5)
    assert_close(diagnostics["eigenvalue_min"], 0.5)
    assert_close(diagnostics["damping_over_largest_eigenvalue"], 2000.0)
    assert_close(parameter.grad, 0.5 * parameter / 1000.5 / 4)


# --- Coupled samples ---------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_check_independence_finds_coupled_samples(scope: str, form: str) -> None:
    y = torch.randn(4, 3, requires_grad=True)

    def coupled(y: Tensor) -> Tensor:
        return (y - y.mean(dim=0)).pow(4).mean()

    curvature = Hessian(scope=scope, check_independence=True)
    loss = coupled(y) if form == "tensor" else coupled
    with pytest.raises(ValueError, match="joint"):
        newton_optim.newton_target(loss, y, curvature=curvature)
    joint = Hessian(scope="joint", check_independence=True)
    loss = coupled(y) if form == "tensor" else coupled
    assert newton_optim.newton_target(loss, y, curvature=joint).isfinite().all()


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("form", ["scalar", "vector", "callable"])
def test_check_independence_lets_independent_samples_pass(scope: str, form: str) -> None:
    y = torch.randn(4, 3, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        return (y @ torch.ones(3, 3)).cosh().sum(dim=1)

    losses = {"scalar": loss(y).mean(), "vector": loss(y), "callable": loss}
    checked = newton_optim.newton_target(
        losses[form], y, curvature=Hessian(scope=scope, check_independence=True)
    )
    plain = newton_optim.newton_target(loss, y, curvature=Hessian(scope=scope))
    assert_close(checked, plain, torch.float32)


# --- Half precision and small steps ------------------------------------------------------------

halves = st.sampled_from([torch.float16, torch.bfloat16])


@given(seeds, halves, reductions, st.sampled_from(["hessian", "fisher", "identity"]))
def test_half_precision_outputs(
    seed: int, dtype: torch.dtype, reduction: str, curvature: str
) -> None:
    """The step is float32's, rounded to the outputs' dtype."""
    rng = np.random.default_rng(seed)
    y = torch.tensor(rng.uniform(-1, 1, size=(4, 3))).to(dtype)

    def loss(y: Tensor) -> Tensor:
        return y.float().cosh().sum(dim=1)

    exact = y.double() - newton_optim.newton_target(loss, y.float(), curvature=curvature)
    leaf = y.clone().requires_grad_()
    for given_loss in [loss, loss(leaf), reduced(loss(leaf), reduction)]:
        leaf.grad = None
        newton_optim.newton_loss(
            given_loss, leaf, curvature=curvature, reduction=reduction
        ).backward()
        assert leaf.grad is not None
        assert leaf.grad.dtype == dtype
        scale = len(y) if reduction == "mean" else 1
        assert_close(leaf.grad.double() * scale, exact, dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize("curvature", ["hessian", Hessian(eigenvalues="raw"), "fisher"])
def test_under_autocast_curvature_and_solve_are_in_float32(
    dtype: torch.dtype, form: str, curvature: Any
) -> None:
    """Ill-conditioned: with one product in half precision the first digit would be wrong."""
    y = torch.randn(8, 3, requires_grad=True)
    stiffness = torch.tensor([1.0, 30.0, 1000.0])

    def loss(y: Tensor) -> Tensor:  # Elementwise: what autocast leaves alone.
        return (0.5 * stiffness * y.square()).sum(dim=1)

    expected = newton_optim.newton_target(loss, y, curvature=curvature, damping=1.0)
    with torch.autocast(DEVICE.type, dtype=dtype):
        z_star = newton_optim.newton_target(
            loss(y) if form == "tensor" else loss, y, curvature=curvature, damping=1.0
        )
        leaf = y.detach().clone().requires_grad_()
        newton = newton_optim.newton_loss(loss, leaf, curvature=curvature, damping=1.0)
    newton.backward()
    assert_close(z_star, expected, torch.float32)
    assert_relatively_close(y - len(y) * leaf.grad, expected, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_network_under_autocast(dtype: torch.dtype) -> None:
    net = torch.nn.Linear(5, 3)
    x = torch.randn(8, 5)
    optimizer = newton_optim.NewtonLossOptimizer(
        torch.optim.SGD(net.parameters(), lr=1.0), damping=0.0, reduction="sum"
    )

    def closure() -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        with torch.autocast(DEVICE.type, dtype=dtype):
            return net(x), lambda y: 0.5 * y.float().square().sum(dim=1)

    with torch.no_grad():
        y = closure()[0]
    optimizer.step(closure)
    assert net.bias.grad is not None
    assert_close(net.bias.grad, y.double().sum(dim=0), dtype)


@pytest.mark.parametrize("door", ["newton_loss", "step"])
@pytest.mark.parametrize("loss_dtype", [torch.float16, torch.float32])
def test_small_gradients_of_a_half_precision_mean_do_not_flush_to_zero(
    door: str, loss_dtype: torch.dtype
) -> None:
    """g_i = 1e-4 y_i over N = 8192: the mean's gradient is below float16's smallest number."""
    n = 8192
    parameter = torch.ones(n, 2, dtype=torch.float16, requires_grad=True)
    y = parameter * 1
    loss = (0.5e-4 * y.to(loss_dtype).square()).sum(dim=1).mean()
    if door == "newton_loss":
        newton_optim.newton_loss(loss, y, damping=0.0).backward()
    else:
        base = torch.optim.SGD([parameter], lr=0.0)
        newton_optim.NewtonLossOptimizer(base, damping=0.0).step(lambda: (y, loss))
    assert parameter.grad is not None
    assert_relatively_close(parameter.grad.double() * n, np.ones((n, 2)), 1e-2)


@given(seeds, reductions, st.sampled_from(["hessian", "fisher", "identity"]), st.booleans())
def test_small_steps_from_large_outputs(
    seed: int, reduction: str, curvature: str, through_step: bool
) -> None:
    """At |y| = 10 a step of 1e-6 in float32 is right to 1e-5 in the network's gradient."""
    rng = np.random.default_rng(seed)
    slope = 1e-6 * rng.normal(size=(5, 3))
    x = rng.normal(size=(5, 4))
    weight = torch.zeros(4, 3, requires_grad=True)
    inputs = torch.tensor(x, dtype=torch.float32)
    gradient = torch.tensor(slope, dtype=torch.float32)

    class Tilted:
        """Gradient as given, Hessian 2 I."""

        def __call__(self, y: Tensor) -> Tensor:
            return (gradient * y).sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            H = (2 * torch.eye(3)).expand(5, 3, 3)
            return newton_optim.LossDerivatives(self(y), gradient, H)

    y = inputs @ weight + 10.0
    options: dict[str, Any] = {"curvature": curvature, "reduction": reduction}
    if through_step:
        base = torch.optim.SGD([weight], lr=0.0)
        newton_optim.NewtonLossOptimizer(base, **options).step(lambda: (y, Tilted()))
    else:
        newton_optim.newton_loss(Tilted(), y, **options).backward()
    g = to_array(gradient)
    step = {"hessian": g / 2.2, "fisher": damped_solve(g.T @ g / 5, g, damping=1.0), "identity": g}
    expected = to_array(inputs).T @ step[curvature] / (5 if reduction == "mean" else 1)
    assert_relatively_close(weight.grad, expected, 1e-5)


@given(seeds, reductions)
def test_small_steps_through_the_backward_pass(seed: int, reduction: str) -> None:
    rng = np.random.default_rng(seed)
    slope = torch.tensor(1e-6 * rng.normal(size=(5, 3)), dtype=torch.float32)
    y = torch.full((5, 3), 10.0, requires_grad=True)
    loss = reduced((slope * newton_optim.inject_fisher(y, reduction=reduction)).sum(1), reduction)
    torch.autograd.backward(loss)
    g = to_array(slope)
    step = damped_solve(g.T @ g / 5, g, damping=1.0)
    assert_relatively_close(y.grad, step / (5 if reduction == "mean" else 1), 1e-5)


# --- inject_fisher under a gradient scaler -----------------------------------------------------


@pytest.mark.parametrize("as_callable", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_inject_fisher_needs_the_scale_of_the_scaler(as_callable: bool, reduction: str) -> None:
    def backward(scale: float, **options: Any) -> Array:
        y = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
        injected = newton_optim.inject_fisher(y, 0.3, reduction=reduction, **options)
        loss = reduced(injected.cosh().sum(dim=1), reduction)
        torch.autograd.backward(scale * loss)
        assert y.grad is not None
        return to_array(y.grad)

    plain = backward(1.0)
    grad_scale: Any = (lambda: 1024.0) if as_callable else 1024.0
    assert_close(backward(1024.0, grad_scale=grad_scale), 1024 * plain)
    assert np.abs(backward(1024.0) - 1024 * plain).max() > 0.1  # The trap itself.
