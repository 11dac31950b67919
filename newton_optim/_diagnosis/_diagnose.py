"""Find out whether a Newton loss helps a loss, and which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from newton_optim._diagnosis._diagnosis import Diagnosis
from newton_optim._diagnosis._measure import in_form, measure
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._rules import recommend


def diagnose(
    loss_fn: Callable[..., Tensor],
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    seed: int = 0,
    **kwargs: Any,
) -> Diagnosis:
    """Whether a Newton loss helps a loss, which one, and why (`arXiv 2410.19055`_, Appendix A).

    Numerical health comes first: the gradients in float32 against those in float64, on the outputs
    and on outputs 3 and 10 times as wide. A loss that explodes only in float32 should be fixed
    rather than rescued. Then: is it differentiable, once or twice? Is it random? Are samples
    coupled? Do gradients vanish or explode? Does one gradient step solve it? What share of the
    samples has negative curvature, what is the condition of C, and does a Newton step differ from
    the gradient at all? Last, what each curvature costs, and what is recommended.

    Pass the outputs of your network, from the batch and the stage of training that you ask about:
    everything is measured there. float64 is a better witness, not the truth: where both dtypes are
    wrong in the same way, nothing is detected.

    All gradients, Hessians, C and λ are on the per-sample scale, whatever the reduction. Nothing is
    changed: outputs and arguments are copied, and PyTorch's global generators are restored. A fault
    of the loss (it raises, has the wrong shape or no gradient, is random) is part of the diagnosis
    and raises nothing.

    Args:
        loss_fn: ``loss_fn(outputs, *args, **kwargs)`` returns a 0-dim tensor or one of shape
            `(N,)`.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss. Floating-point tensors, also in tuples, lists and
            dicts, are cast along with the outputs.
        reduction: how a 0-dim loss was reduced over the batch: ``"mean"`` or ``"sum"``.
        seed: the seed of PyTorch's global generators before each evaluation of the loss.
        **kwargs: keyword arguments of the loss. To pass a ``reduction`` or ``seed`` to the loss,
            use ``functools.partial``.

    Returns:
        The findings and the recommendation.

    Raises:
        TypeError: if ``loss_fn`` is not callable, or another argument is of the wrong kind.
        ValueError: if the outputs have a wrong shape, or if ``reduction`` or ``seed`` has a wrong
            value.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    probe = Probe.checked(loss_fn, outputs, args, kwargs, reduction, seed)
    found = measure(probe)
    return Diagnosis(**vars(found), **vars(recommend(found)), _probe=in_form(probe, found))
