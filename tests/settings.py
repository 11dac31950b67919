"""Where the tests run: ``NEWTON_OPTIM_TEST_DEVICE`` names the device (``cpu`` unless set)."""

import os

import torch

DEVICE = torch.device(os.environ.get("NEWTON_OPTIM_TEST_DEVICE", "cpu"))
EXAMPLES = int(os.environ.get("NEWTON_OPTIM_TEST_EXAMPLES", "100"))
