"""The step as a device takes it: nothing waits, and a graph of it does the same."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from benchmarks.runs.cuda_graph import Engine
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.terrain import generate_terrain
from benchmarks.shortest_path.training import PathTraining
from benchmarks.shortest_path.warcraft import Maps
from tests.benchmarks.pretend_device import pretend_device
from tests.benchmarks.shortest_path.test_training import VARIANTS, weights
from tests.integrations.waits import Waits
from tests.settings import DEVICE


@pytest.fixture(scope="module")
def parts() -> Mapping[str, Maps]:
    return generate_terrain({"train": 12, "validation": 6, "test": 6})


def training(parts: Mapping[str, Maps], config: PathConfig) -> PathTraining:
    return PathTraining(config, (0,), parts, DEVICE)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_step_waits_for_the_device(
    parts: Mapping[str, Maps], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By inspection of the operations. Adam reads its count of steps on the CPU alone."""
    one = training(parts, VARIANTS[name])
    pretend_device(monkeypatch)
    monkeypatch.setattr(one._optimizer, "step", lambda: None)
    with Waits() as waits:
        one._whole_step()
    assert not waits.found


def test_whole_batches_go_through_the_engine_and_a_smaller_one_beside_it(
    parts: Mapping[str, Maps], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = training(parts, VARIANTS["fenchel-young"])  # 10 maps in batches of 4.
    engine, runs = one.engine, list[int]()

    def run() -> None:
        runs.append(len(one._batch))
        engine.run()

    monkeypatch.setattr(one, "_engine", Engine(run, "counted"))
    assert one.advance() == 3
    assert runs == [4, 4]


def test_another_rate_needs_another_capture(parts: Mapping[str, Maps]) -> None:
    one = training(parts, PathConfig(maps=4, epochs=10, batch_size=4, evaluation_maps=6, samples=2))
    engines = []
    while not one.finished:
        one.advance()
        engines.append(one._engine)
    changed = [a is not b for a, b in zip(engines[1:], engines, strict=False)]
    assert changed == [epoch in {6, 8} for epoch in range(1, 10)]


@pytest.mark.skipif(DEVICE.type != "cuda", reason="a graph of CUDA needs CUDA")
@pytest.mark.parametrize("name", VARIANTS)
def test_a_captured_step_is_the_eager_one(parts: Mapping[str, Maps], name: str) -> None:
    captured, eager = (training(parts, VARIANTS[name]) for _ in range(2))
    assert captured.engine.name == "CUDA graph"
    eager._engine = Engine(eager._whole_step, "eager")
    captured.advance()
    eager.advance()
    expected = weights(eager)
    for key, value in weights(captured).items():
        torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-5)
