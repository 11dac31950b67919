"""Sphinx extension: every public name has an entry in the API reference, and references find it.

A name in ``__all__`` without an entry is a warning, which ``sphinx-build -W`` turns into an error.
An object with several public names needs an entry under one of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Container, Iterator
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

PACKAGE = "newton_optim"
logger = logging.getLogger(__name__)


def public_objects(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The public names of ``module`` and of the public modules in it, with their objects."""
    for name in module.__all__:
        if isinstance(member := getattr(module, name), ModuleType):
            yield from public_objects(member)
        else:
            yield f"{module.__name__}.{name}", member


def undocumented(objects: list[tuple[str, Any]], documented: Container[str]) -> list[str]:
    """The names of ``objects`` that have no entry, not even under another name of the object."""
    found = {id(member) for name, member in objects if name in documented}
    return [name for name, member in objects if id(member) not in found]


def check_public_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about every public name that no page documents."""
    objects = list(public_objects(importlib.import_module(PACKAGE)))
    for name in undocumented(objects, env.domains["py"].data["objects"]):
        logger.warning("public name without an entry in the API reference: %s", name)


def resolve_private_path(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, contnode: nodes.Element
) -> Any:
    """Link to the documented name where a signature names the private module of a class."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith(f"{PACKAGE}."):
        return None
    domain = env.domains["py"]
    documented = domain.data["objects"]
    name = target.rpartition(".")[2]
    for full_name, _ in public_objects(importlib.import_module(PACKAGE)):
        if full_name.rpartition(".")[2] == name and full_name in documented:
            document = node.get("refdoc", "")
            return domain.resolve_xref(
                env, document, app.builder, node["reftype"], full_name, node, contnode
            )
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both to Sphinx."""
    app.connect("env-check-consistency", lambda app, env: check_public_names(app, env))
    app.connect("missing-reference", resolve_private_path)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
