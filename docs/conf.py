"""The documentation site: ``sphinx-build -W docs site``; it needs no network, and neither do its pages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "vggcost"
author = "The vggcost developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "accessible", "from_code"]
exclude_patterns = ["_ext"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# What annotations name and no page describes: types of other packages, and aliases of ours.
nitpick_ignore_regex = [("py:.*", r".*")]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
add_module_names = False
man_pages = [("generated/commands/index", "vggcost", "what a VGG costs, layer by layer", [author], 1)]
html_theme = "furo"
html_title = "vggcost"
html_static_path = ["_static"]
html_css_files = ["vggcost.css"]
html_copy_source = False
html_show_sphinx = False
templates_path = []
suppress_warnings = []
