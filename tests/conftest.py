"""Seeds, threads, the device of the tests and the profile of Hypothesis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from hypothesis import HealthCheck, settings

from tests.settings import DEVICE, EXAMPLES

settings.register_profile(
    "newton_optim",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("newton_optim")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed_and_device() -> Iterator[None]:
    """Every test starts from seed 0 and makes its tensors on the device under test."""
    torch.manual_seed(0)
    with torch.device(DEVICE) if DEVICE.type != "cpu" else nullcontext():
        yield
