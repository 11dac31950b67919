"""All pairs from practice, by name."""

from __future__ import annotations

from tests.testing.practice.batches import COX, TRIPLET
from tests.testing.practice.derivatives import DERIVATIVES
from tests.testing.practice.detection import DIOU, FOCAL, IOU
from tests.testing.practice.distributions import ANGLE, CRPS, NEGATIVE_BINOMIAL
from tests.testing.practice.numbers import NUMBERS
from tests.testing.practice.pair import Pair
from tests.testing.practice.samples import SAMPLES
from tests.testing.practice.segmentation import DICE, LOVASZ
from tests.testing.practice.sequences import CRF, CTC

PRACTICE: dict[str, Pair] = {
    "IoU": IOU,
    "DIoU": DIOU,
    "focal": FOCAL,
    "Dice": DICE,
    "Lovász": LOVASZ,
    "CTC": CTC,
    "triplet": TRIPLET,
    "Cox": COX,
    "negative binomial": NEGATIVE_BINOMIAL,
    "CRF": CRF,
    "CRPS": CRPS,
    "angle": ANGLE,
}

FOUND = {**NUMBERS, **SAMPLES, **DERIVATIVES}
"""The kinds of losses on which an earlier kit was wrong."""

PAIRS = {**PRACTICE, **FOUND}
