"""Write the measured section of ``docs/guides/deploy.md`` from ``export.json``, ``page.json`` and ``deploy.json``."""

from __future__ import annotations

import re

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results

DEPLOY_PAGE = ROOT / "docs" / "guides" / "deploy.md"
BEGIN, END = "<!-- python -m benchmarks.pages.deploy -->\n", "<!-- end -->\n"


def render_deploy_page() -> str:
    """Return the page with its section between the two comments written anew."""
    templates = environment()
    section = "".join(
        templates.get_template(f"{name}.md.jinja").render(results=read_results(name))
        for name in ("export", "page", "deploy")
    )
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + section + END, DEPLOY_PAGE.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    DEPLOY_PAGE.write_text(render_deploy_page())
