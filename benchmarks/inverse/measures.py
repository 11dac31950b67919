"""What the benchmark of inverse problems measures of every run, the main one first."""

from __future__ import annotations

from typing import Final

from benchmarks.runs.measures import Measure

LOSS: Final = Measure("loss", "loss", unit="×10⁻⁴", scale=1e4, digits=3, rising=False)
MEDIAN: Final = Measure("median", "median", unit="×10⁻⁴", scale=1e4, digits=3, rising=False)
CLEAN: Final = Measure("clean", "clean", unit="×10⁻⁴", scale=1e4, digits=3, rising=False)
PARAMETERS: Final = Measure("parameters", "parameters", rising=False)
FAILED: Final = Measure("failed", "failed", rising=False)
MILLISECONDS: Final = Measure("ms", "ms", unit="", scale=1.0, digits=2, rising=False)

MEASURES: Final = (LOSS, MEDIAN, CLEAN, PARAMETERS, FAILED, MILLISECONDS)
