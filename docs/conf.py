"""Sphinx configuration: run ``make docs``, then open ``build/docs/index.html``."""

from importlib.metadata import version as version_of

project = "limelight"
author = "the limelight authors"
copyright = author
version = release = version_of("limelight")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = "limelight"
html_static_path: list[str] = []
exclude_patterns: list[str] = []
myst_heading_anchors = 3
myst_links_external_new_tab = False
suppress_warnings = ["myst.xref_missing"]  # links to repository files that are not pages

napoleon_google_docstring = False
napoleon_custom_sections = [("Source", "References")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings state types and shapes
