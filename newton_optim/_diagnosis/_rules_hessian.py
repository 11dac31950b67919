"""Rules about the Hessian: is there one to use, and in which scope?"""

from __future__ import annotations

from newton_optim._diagnosis._coupling import can_be_joint
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._progress import furthest, progress
from newton_optim._diagnosis._recommendation import Recommendation, fisher, hessian, plain

NOISE = 0.5  # Cosine of the Hessians of two draws.
WRONG_HESSIAN = 0.1  # Relative error in float32.


def coupled_samples(m: Measurements) -> Recommendation | None:
    """A loss that couples samples needs the joint Hessian."""
    size = m.num_samples * m.num_outputs
    if not can_be_joint(m.is_coupled, m.times_differentiable, size):
        return None
    return hessian(
        m,
        "joint",
        "Samples are coupled: moving one changes the gradient of another. The joint scope uses "
        "the whole matrix; the other scopes would silently sum its blocks across samples.",
        f"That matrix has {size} rows. If these are too many, use the Fisher, which has no such "
        "blocks.",
    )


def no_usable_hessian(m: Measurements) -> Recommendation | None:
    """The Fisher, for every reason why there is no Hessian to use."""
    why = _why_no_hessian(m)
    return None if why is None else fisher(m, why, *progress(m, "fisher"))


def _why_no_hessian(m: Measurements) -> str | None:
    if m.times_differentiable != 2:
        return "The loss is differentiable only once; the Fisher needs no more."
    if m.is_coupled:
        return "Samples are coupled and their joint Hessian is too large; the Fisher has no blocks."
    if m.hessian_agreement is not None and not m.hessian_agreement >= NOISE:
        return (
            "The Hessian is mostly noise: the Hessians of two draws have the cosine "
            f"{m.hessian_agreement:.2f}. The Fisher needs only the gradients, which are better "
            "estimates."
        )
    if m.negative_curvature is None:
        return "The Hessians of this batch are too large; the Fisher needs no such matrices."
    if m.hessian_error is not None and not m.hessian_error < WRONG_HESSIAN:
        return (
            f"The float32 Hessian is off by {m.hessian_error:.2g} of its size, although the "
            "gradient is right. The Fisher needs no Hessian."
        )
    return None


def no_curvature(m: Measurements) -> Recommendation | None:
    """The mean Hessian is zero."""
    if m.condition is not None:
        return None
    why = (
        "The loss is piecewise linear: it has no curvature, and a Hessian step is the plain "
        "gradient."
    )
    if furthest(m) == "fisher":
        return fisher(m, why, *progress(m, "fisher"))
    return plain("it has no curvature", why, *progress(m, "fisher"))
