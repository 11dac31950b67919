"""Diagnostics in TensorBoard, read back from its event file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from newton_optim import NewtonLossOptimizer
from tests.integrations.training import closure_of, make_net, make_sgd

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorBoard's own
STEPS = 3


@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_diagnostics_are_logged_as_scalars(curvature: str, tmp_path: Path) -> None:
    """`add_scalar` takes them as they are; every key becomes a curve of all steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    net = make_net()
    optimizer = NewtonLossOptimizer(make_sgd(net), curvature=curvature)
    expected: dict[str, list[torch.Tensor]] = {}
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(STEPS):
            optimizer.step(closure_of(net))
            for name, value in optimizer.diagnostics.items():
                writer.add_scalar(f"newton/{name}", value, step)
                expected.setdefault(f"newton/{name}", []).append(value)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == set(expected)
    assert {"newton/loss", "newton/damping", "newton/step_norm"} <= set(expected)
    for name, values in expected.items():
        found = events.Scalars(name)
        assert [event.step for event in found] == list(range(STEPS))
        assert [event.value for event in found] == [float(value) for value in values]
    assert len({event.value for event in events.Scalars("newton/loss")}) == STEPS
