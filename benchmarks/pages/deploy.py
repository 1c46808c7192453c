"""Write the measured section of ``docs/deploy.md`` from ``benchmarks/results/export.json``."""

from __future__ import annotations

import re

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results

DEPLOY_PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- python -m benchmarks.pages.deploy -->\n", "<!-- end -->\n"


def render_deploy_page() -> str:
    """Return the page with its section between the two comments written anew."""
    results = read_results("export")
    section = environment().get_template("export.md.jinja").render(results=results)
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + section + END, DEPLOY_PAGE.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    DEPLOY_PAGE.write_text(render_deploy_page())
