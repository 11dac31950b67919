"""No operation on the way of a step waits for the device, and CUDA can capture it in a graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from newton_optim import EmpiricalFisher, Hessian, Identity, NewtonLossOptimizer
from newton_optim.curvature import _matrices
from tests.integrations.training import assert_same, closure_of, make_net, make_sgd
from tests.integrations.waits import Waits
from tests.settings import DEVICE

STEPS = 3
NO_WAITING = [
    (Hessian(eigenvalues="raw"), 0.1),
    (Hessian(eigenvalues="raw"), None),
    (Hessian(eigenvalues="raw", scope="sample"), 0.1),
    (Hessian(eigenvalues="raw", scope="joint"), 0.1),
    (EmpiricalFisher(), None),
    (EmpiricalFisher(), 0.0),
    (EmpiricalFisher(scope="sample"), None),
    (EmpiricalFisher(scope="joint"), None),
    (Identity(), None),
]


def waits_of(curvature: Any, damping: Any, *, diagnostics: bool = True, **options: Any) -> set[str]:
    """What a step and an accumulated step wait for, and the diagnostics if they are asked for."""
    net = make_net()
    optimizer = NewtonLossOptimizer(make_sgd(net), curvature=curvature, damping=damping, **options)
    closure = closure_of(net)
    with Waits() as waits:
        y, loss, target = closure()
        optimizer.step(lambda: (y, loss(y, target)))
        optimizer.step(closure)
        optimizer.backward(*closure(), scale=torch.ones(()) if DEVICE.type != "cpu" else 0.5)
        optimizer.step()
        if diagnostics:
            optimizer.diagnostics  # noqa: B018
    return waits.found


@pytest.mark.parametrize(("curvature", "damping"), NO_WAITING, ids=str)
def test_no_operation_of_a_step_waits_for_the_device(curvature: Any, damping: Any) -> None:
    """By inspection of the operations, so that the CPU tells what a GPU would do."""
    assert not waits_of(curvature, damping)


@pytest.mark.parametrize("scope", ["batch", "sample", "joint"])
@pytest.mark.parametrize("eigenvalues", ["absolute", "clamp"])
def test_on_a_device_treated_eigenvalues_wait_in_the_diagnostics_alone(
    monkeypatch: pytest.MonkeyPatch, scope: str, eigenvalues: str
) -> None:
    monkeypatch.setattr(_matrices, "has_polar_factor", lambda device: True)
    curvature = Hessian(scope=scope, eigenvalues=eigenvalues)
    assert not waits_of(curvature, None, diagnostics=False)
    assert waits_of(curvature, None) == {"aten::_linalg_eigh"}


def test_what_waits_is_found() -> None:
    """The check itself: a decomposition, and what is documented to read a value."""
    if DEVICE.type == "cpu":
        assert waits_of(Hessian(), None) == {"aten::_linalg_eigh"}
    raw = Hessian(eigenvalues="raw")
    assert waits_of(raw, 0.1, error_on_nonfinite=True) == {"aten::_local_scalar_dense"}
    checked = Hessian(eigenvalues="raw", check_independence=True)
    assert waits_of(checked, 0.1) >= {"aten::_local_scalar_dense"}


@pytest.mark.skipif(DEVICE.type != "cuda", reason="a graph of CUDA needs CUDA")
@pytest.mark.parametrize(
    ("curvature", "damping"),
    [*NO_WAITING, (Hessian(), None), (Hessian(scope="sample"), 1.0)],
    ids=str,
)
def test_a_step_is_captured_in_a_cuda_graph(curvature: Any, damping: Any) -> None:
    nets = make_net(), make_net()
    steps = []
    for net in nets:
        optimizer = NewtonLossOptimizer(make_sgd(net), curvature=curvature, damping=damping)
        closure = closure_of(net)
        steps.append(lambda optimizer=optimizer, closure=closure: optimizer.step(closure))
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(STEPS):
            steps[0]()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        steps[0]()
    for _ in range(STEPS):
        graph.replay()
        steps[1]()
        steps[1]()
    assert_same(*nets, tolerance=1e-4)
