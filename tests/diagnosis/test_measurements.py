"""Sections are joined into one value."""

from __future__ import annotations

import dataclasses

import pytest

from newton_optim._diagnosis._coupling import Coupling
from newton_optim._diagnosis._differentiability import Differentiability
from newton_optim._diagnosis._gradients import Gradients
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._section import Section
from newton_optim._diagnosis._subject import Subject

SUBJECT = Subject(name="loss", num_samples=2, num_outputs=3)


def test_sections_are_joined() -> None:
    found = Measurements.of(
        [
            SUBJECT,
            Differentiability(times_differentiable=0),
            Differentiability(times_differentiable=2, notes=("first",)),
            Gradients(median_gradient=2.0, notes=("second", "third")),
            Section(problem="RuntimeError: enough"),
        ]
    )
    assert (found.name, found.num_samples, found.num_outputs) == ("loss", 2, 3)
    assert (found.times_differentiable, found.median_gradient) == (2, 2.0)
    assert found.notes == ("first", "second", "third")
    assert found.problem == "RuntimeError: enough"


def test_what_was_not_reached_keeps_its_defaults() -> None:
    found = Measurements.of([SUBJECT])
    assert found == Measurements(name="loss", num_samples=2, num_outputs=3)
    assert (found.is_coupled, found.roundings, found.descent) == (None, (), {})


def test_no_two_sections_have_a_field_in_common() -> None:
    shared = {field.name for field in dataclasses.fields(Section)}
    names = [
        field.name
        for section in Measurements.__bases__
        for field in dataclasses.fields(section)
        if field.name not in shared
    ]
    assert len(names) == len(set(names))


def test_they_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Measurements.of([SUBJECT, Coupling(is_coupled=True)]).is_coupled = False
