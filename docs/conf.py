"""Configuration of the documentation."""

from importlib.metadata import version as _version

project = "interlayer"
author = "The interlayer developers"
release = _version("interlayer")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "reference/facts.md"]  # facts.md is included in a page
html_theme = "furo"
html_title = "interlayer"
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
autosummary_generate = False
