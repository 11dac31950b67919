"""Sphinx: ``sphinx-build -n -W -b html docs docs/_build``."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "ext")]

import newton_optim  # noqa: E402

project = "newton_optim"
author = "newton_optim contributors"
project_copyright = "2026, newton_optim contributors"
version = release = newton_optim.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx-mathjax-offline",
    "sphinx_design",
    "public_names",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "newton_optim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# Single backticks in docstrings are formulas in plain text, such as `(C + λ I)`.
default_role = "literal"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Shapes", "Shapes and scale"]

nitpicky = True
# The build downloads nothing, so names of PyTorch and Python have no links. Neither have private
# names in signatures.
nitpick_ignore_regex = [
    ("py:.*", r"(torch|collections|typing|functools|hypothesis|st)\..*"),
    ("py:.*", r"(Tensor|Module|Optimizer|Any|Callable|ProcessGroup|Figure|optional)"),
    ("py:.*", r"newton_optim\.(.*\.)?_.*"),
]
