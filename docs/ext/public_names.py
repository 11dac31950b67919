"""Public names in the docs: each has an entry in the API reference, and references find it.

A name in ``__all__`` without an entry is a warning, which ``sphinx-build -W`` makes an error.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

PACKAGE = "newton_optim"
logger = logging.getLogger(__name__)


def public_names(module: ModuleType) -> Iterator[str]:
    """The full names in ``__all__`` of ``module`` and of the public modules in it."""
    for name in module.__all__:
        if isinstance(member := getattr(module, name), ModuleType):
            yield from public_names(member)
        else:
            yield f"{module.__name__}.{name}"


def check_public_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of every public name that no page documents."""
    documented = env.domains["py"].data["objects"]
    for name in public_names(importlib.import_module(PACKAGE)):
        if name not in documented:
            logger.warning("public name without an entry in the API reference: %s", name)


def resolve_private_path(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, contnode: nodes.Element
) -> Any:
    """Signatures name a class by the private module that it is in: link to the public name."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith(f"{PACKAGE}."):
        return None
    name = target.rpartition(".")[2]
    for full_name in public_names(importlib.import_module(PACKAGE)):
        if full_name.rpartition(".")[2] == name and full_name != target:
            domain = env.domains["py"]
            document = node.get("refdoc", "")
            return domain.resolve_xref(
                env, document, app.builder, node["reftype"], full_name, node, contnode
            )
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both with Sphinx."""
    app.connect("env-check-consistency", lambda app, env: check_public_names(app, env))
    app.connect("missing-reference", resolve_private_path)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
