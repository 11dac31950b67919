"""Runtimes beside the paper's, extrapolated from a few steps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.runs.runtimes import PaperTime, draw_runtimes
from tests.benchmarks.runs.toy import BASE, ToyConfig, ToyTraining

CPU = torch.device("cpu")
PLAIN = replace(BASE, steps=86_400)  # At 0.25 s a step, six hours.
FISHER = replace(PLAIN, curvature="fisher", damping=1.0)


class SlowFisher(ToyTraining):
    def seconds_per_step(self, steps: int) -> float:
        return 0.5 if self.config.curvature == "fisher" else 0.25


def test_each_row_is_compared_with_its_plain_loss(tmp_path: Path) -> None:
    def rehearse(config: ToyConfig) -> ToyTraining:
        return SlowFisher(config, [0], "toy data", CPU)

    rows = [PaperTime("toy, plain", PLAIN, "1:00"), PaperTime("toy, NL", FISHER, "1:15")]
    text = draw_runtimes(rows, rehearse, tmp_path / "out", CPU)
    plain, newton = text.splitlines()[4:6]
    assert plain.split()[2:] == ["250.0", "6:00", "1:00", "1.00", "1.00"]
    assert newton.split()[2:] == ["500.0", "12:00", "1:15", "2.00", "1.25"]
    content = json.loads((tmp_path / "out" / "runtimes.json").read_text())
    assert [row["seconds_per_step"] for row in content["rows"]] == [0.25, 0.5]
    assert [row["paper"] for row in content["rows"]] == ["1:00", "1:15"]
    assert content["rows"][1]["config"] == FISHER.asdict()
    assert (tmp_path / "out" / "runtimes.txt").read_text() in text
