"""Sphinx configuration: run ``make docs``, then open ``build/docs/index.html``."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "limelight"
author = "the limelight authors"
copyright = author
version = release = version_of("limelight")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "reference_tables",
]
exclude_patterns = ["README.md", "gallery/**/*.ipynb", "gallery/**/*.py", "gallery/**/*.md5"]
templates_path = ["templates"]
suppress_warnings = ["myst.xref_missing"]  # links to repository files that are not pages

html_theme = "pydata_sphinx_theme"
html_title = "limelight"
html_static_path = ["static"]
html_css_files = ["limelight.css"]
html_sidebars = {"index": [], "background/changelog": []}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

napoleon_google_docstring = False
napoleon_custom_sections = [("Source", "References")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings state types and shapes
autosummary_generate = True
autosummary_context = {
    "documented": {  # autosummary itself sets "members"
        "Panel": "from_series, split, replace, with_labels, rows_of, series, clock, groups, describe, plot, to_table, "
        "to_pandas, to_polars",
        "StepLabels": "of",
        "TimeSeriesClassifier": "fit, predict, predict_proba, predict_set, check, monitor, score, explain, save, "
        "export, stream, from_preset",
        "Explanation": "plot, table, field_table, frequency_table, to_pandas, to_polars",
        "ExportedModel": "predict, read, evidence",
        "Stream": "step, state, restore, another",
        "EventTracker": "step, finish, state, restore",
    }
}

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"/",  # every example is executed
    "ignore_pattern": r"outside_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("drawn_figures", "matplotlib"),
    "capture_repr": ("_repr_html_", "__repr__"),
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 0,
    "download_all_examples": False,
}
