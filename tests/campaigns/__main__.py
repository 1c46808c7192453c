"""Run every campaign at length: ``make campaign``, or ``python -m campaigns`` with the folder ``tests`` on the path."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from campaigns import array_campaign, coverage_campaign, estimator_campaign, input_campaign
from campaigns.tally import Tally
from limelight import __version__
from limelight.text import aligned


def main() -> None:
    """Run the campaigns, print a table, and write the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--inputs", type=count, default=10_000, help="random inputs in all, besides the odd arrays; 0 for none"
    )
    parser.add_argument(
        "--grown", type=count, default=3_000, help="inputs for each reader that grow by coverage (atheris)"
    )
    parser.add_argument("--kills", type=count, default=500, help="commands that are killed")
    parser.add_argument("--checks", action=argparse.BooleanOptionalAction, default=True, help="checks of scikit-learn")
    parser.add_argument("--start", type=int, default=0, help="another number draws other inputs")
    parser.add_argument("--before", type=Path, help="results of an earlier version, to show beside these")
    parser.add_argument(
        "--output", type=Path, help="JSON file to write; its rows of campaigns that do not run are kept"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    tallies, started = [array_campaign.run()], time.perf_counter()
    show(tallies[-1])
    for name in input_campaign.CAMPAIGNS:
        tallies.append(input_campaign.run(name, -(-options.inputs // len(input_campaign.CAMPAIGNS)), options.start))
        show(tallies[-1])
    if options.grown and coverage_campaign.is_available():
        for name in coverage_campaign.READERS:
            tallies.append(coverage_campaign.run(name, options.grown, options.start))
            show(tallies[-1])
    if options.checks:
        tallies.append(estimator_campaign.run())
        show(tallies[-1])
    if options.kills:
        from campaigns import kill_campaign  # not on Windows, which cannot fork

        tallies.append(kill_campaign.run(options.kills, options.start))
        show(tallies[-1])
    run = [tally.to_json() for tally in tallies]
    if options.output is not None and options.output.exists():
        names = {one["campaign"] for one in run}
        earlier_rows = json.loads(options.output.read_text(encoding="utf-8"))["campaigns"]
        run += [one for one in earlier_rows if one["campaign"] not in names]
    content: dict[str, Any] = {
        "version": __version__,
        "seconds": round(time.perf_counter() - started),
        "campaigns": run,
    }
    if options.before is not None:
        earlier = json.loads(options.before.read_text(encoding="utf-8"))["campaigns"]
        content["before"] = [{name: one[name] for name in one if name != "first_faults"} for one in earlier]
    if options.output is not None:
        options.output.write_text(json.dumps(content, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
    print("\n".join(table(content)))
    raise SystemExit(any(tally.faults for tally in tallies))


def count(text: str) -> int:
    """Return a number of inputs; argparse.ArgumentTypeError if it is below 0."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"expected at least 0, got {text}")
    return int(text)


def show(tally: Tally) -> None:
    """Print the counts of one campaign and its first faults."""
    print(f"{tally.name}: {tally.tried} tried, {len(tally.faults)} faults", flush=True)
    for fault in tally.faults[:5]:
        print(f"    {fault!a}", flush=True)


def table(content: dict[str, Any]) -> list[str]:
    """Return the counts of every campaign as aligned lines, with the faults before if they are known."""
    before = {one["campaign"]: one for one in content.get("before", [])}
    rows = [["campaign", "tried", "kills", "fine", "refused", "fault", "fault before"]]
    for one in content["campaigns"]:
        earlier = before.get(one["campaign"])
        share = f"{earlier['fault']} of {earlier['tried']}" if earlier else ""
        counts = [str(one.get(name, "")) for name in ("tried", "kills", "fine", "refused", "fault")]
        rows.append([one["campaign"], *counts, share])
    return aligned(rows)


if __name__ == "__main__":
    main()
