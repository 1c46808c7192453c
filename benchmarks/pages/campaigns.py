"""Generate ``docs/background/campaigns.md`` from ``benchmarks/results/campaigns.json``, which ``make campaign`` writes.

python -m benchmarks.pages.campaigns
"""

from __future__ import annotations

from benchmarks.pages.results import environment
from benchmarks.result_files import ROOT, read_results

PAGE = ROOT / "docs" / "background" / "campaigns.md"


def render_campaigns_page() -> str:
    """Return the page: one row for each campaign, with the faults of an earlier version beside it."""
    results = read_results("campaigns")
    before = {one["campaign"]: one for one in results.get("before", [])}
    rows = [{**one, "before": before.get(one["campaign"])} for one in results["campaigns"]]
    return environment().get_template("campaigns.md.jinja").render(rows=rows)


if __name__ == "__main__":
    PAGE.write_text(render_campaigns_page())
