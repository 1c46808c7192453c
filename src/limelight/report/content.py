"""The content of the page: every section as plain facts, in order, before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.evaluation.decision.calibration import before_and_after
from limelight.evaluation.summary import localisation_sentence
from limelight.report import tables
from limelight.report.curves import learning_figures, reliability_figure, score_curves
from limelight.report.explanations import explain_facts
from limelight.report.highlights import MOST_PICTURED_CLASSES, Highlights, choose_series, threshold_of
from limelight.report.inputs import ReportInputs, verdict
from limelight.report.series import MOST_CHANCES, MOST_CHANNELS, left_out, series_figure
from limelight.task import UNKNOWN

MOST_PROBABLE = 3
NONE = "none"
LEAST_SECONDS = 0.05
"""Less would be said as 0.0."""


def collect(facts: ReportInputs) -> dict[str, Any]:
    """Collect what the page says.

    Parameters
    ----------
    facts
        Of the run.

    Returns
    -------
    dict[str, Any]
        Plain words, numbers, tables and figures, ready for JSON; a section that does not apply is None or empty.
    """
    metrics, task = facts.metrics, facts.prediction.task
    test, choice = metrics["test"], choose_series(facts)
    return {
        "title": facts.title,
        "asked": dict(facts.asked),
        "verdict": verdict(metrics, facts.unit),
        "headline": tables.headline_scores(metrics),
        "undefined": list(dict.fromkeys(test["undefined"].values())),
        "unknown": test.get("unknown", 0),
        "scores": tables.score_table(test, metrics["baseline"]),
        "learning": _learning(facts),
        "things": "labels" if task.multilabel else "classes",
        "unit": facts.unit,
        "rows": facts.rows,
        "classes": tables.class_table(test, facts.unit),
        "confusion": [] if task.multilabel else tables.confusion_matrix(test["confusion"]),
        "long_names": len(task.classes) > 8 and max(len(str(name)) for name in task.classes) > 3,
        "confusion_of_labels": tables.confusion_of_labels(test["confusion"]) if task.multilabel else [],
        "curves": score_curves(facts),
        "decision": _decision(metrics.get("decision"), test),
        "events": _events(metrics.get("events")),
        "groups": tables.group_tables(metrics.get("groups") or {}, test),
        "metadata": _metadata(metrics.get("metadata")),
        "attention": _attention(facts),
        "explanations": explain_facts(metrics.get("explanations")),
        "series": _series(facts, choice),
        "warnings": list(facts.warnings),
        "reproduce": dict(facts.reproduce),
    }


def _learning(facts: ReportInputs) -> dict[str, Any]:
    training = facts.metrics.get("training") or {}
    best = training.get("best_epoch")
    figures = learning_figures(facts.history, best)
    ended = training.get("stopped")
    return {
        "figures": figures,
        "epochs": len(facts.history),
        "best": best,
        "stopped": ended,
        "solved": ended == "solved",
        "seconds": {name: took for name, took in (facts.metrics.get("seconds") or {}).items() if took >= LEAST_SECONDS},
    }


def _decision(decision: Mapping[str, Any] | None, test: Mapping[str, Any]) -> dict[str, Any] | None:
    if not decision:
        return None
    found: dict[str, Any] = {"calibration": None, "thresholds": None, "sets": None}
    if "calibration" in decision:
        compared = decision["calibration"]
        found["calibration"] = {
            "figure": reliability_figure(compared, test.get("positive")),
            "table": tables.calibration_table(compared),
            "per_class": tables.calibration_of_classes(compared),
            "notes": list((compared.get("temperature") or {}).get("notes", [])),
            "about": test.get("positive"),
            "changed": len(before_and_after(compared)) > 1,
        }
    if "thresholds" in decision:
        told = decision["thresholds"]
        rule = tables.rule_in_words(told["rule"])
        found["thresholds"] = {"table": tables.threshold_table(told), "rule": rule, "notes": list(told["notes"])}
    if "sets" in decision:
        sets = decision["sets"]
        found["sets"] = {"target": sets["target"], "coverage": sets["coverage"], "mean_size": sets["mean_size"]}
        found["sets"]["table"] = tables.set_table(sets)
    return found


def _events(events: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not events:
        return None
    told = {name: events[name] for name in ("overlap", "unscored")}
    notes = list(dict.fromkeys(events["undefined"].values()))
    return {**told, "table": tables.event_table(events), "notes": notes, "micro": dict(events["micro"])}


def _metadata(permuted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if not permuted else {"score": permuted["score"], "table": tables.metadata_table(permuted)}


def _attention(facts: ReportInputs) -> dict[str, Any]:
    found = facts.metrics.get("localisation")
    known = facts.panel.intervals
    return {
        "methods": facts.methods,
        "sentence": localisation_sentence(found),
        "correct": (found or {}).get("correct"),
        "truth": known is not None and bool((known[:, 0] >= 0).any()),
    }


def _series(facts: ReportInputs, choice: Highlights) -> dict[str, Any]:
    """Collect the series to look at: cards with their figures, each series drawn once."""
    first: dict[int, str] = {}
    whole = not (facts.prediction.task.by_step or facts.prediction.task.multilabel)

    def card(row: int, heading: str, target: str | None = None) -> dict[str, Any]:
        known = row in first
        first.setdefault(row, heading)
        told = {"row": row, "heading": heading, "about": "", "figure": None, **_told(facts, row)}
        if known:
            return told
        counted = facts.counted_in(row, target)
        targets = {one.target for one in counted.values() if one.target is not None}
        about = "" if whole else ", ".join(sorted(targets))  # of one answer it is the answer
        return {**told, "about": about, "figure": series_figure(facts, row, counted)}

    found = {
        "confident": [card(row, label, label) for label, row in choice.confident.items() if row is not None],
        "never": [label for label, row in choice.confident.items() if row is None],
        "left_out": max(0, len(facts.answers.names) - MOST_PICTURED_CLASSES),
        "surest": "Right, and sure of it" if whole else "Where each label was right, and surest",
        "wrong": [card(row, _mistake(facts, row)) for row in choice.wrong],
        "wrong_total": choice.wrong_total,
        "total": len(facts.panel),
        "uncertain": [card(row, "") for row in choice.uncertain],
        "by_step": facts.prediction.task.by_step,
        "whole": whole,
        "channels": min(len(facts.panel.channels), MOST_CHANNELS),
        "channels_left_out": left_out(facts.panel),
    }
    return {**found, "drawn": len(first)}


def _told(facts: ReportInputs, row: int) -> dict[str, Any]:
    """Say what is known and what was answered about one series."""
    answers, mine = facts.answers, facts.answers_of(row)
    codes, decisions, chances = answers.codes[mine], answers.decisions[mine], answers.probabilities[mine]
    told: dict[str, Any] = {"id": str(facts.panel.ids[row])}
    known = codes != UNKNOWN
    wrong = known & (codes != decisions)
    if answers.task.by_step:
        return {**told, "wrong": int(wrong.sum()), "known": int(known.sum()), "correct": not wrong.any()}
    names, several = answers.names, answers.task.multilabel
    limits = facts.prediction.thresholds
    likely = (-chances[0]).argsort(kind="stable")[: len(names) if several else MOST_PROBABLE].tolist()
    if several:
        there = [name for name, code in zip(names, codes[0], strict=True) if code == 1]
        said = [name for name, code in zip(names, decisions[0], strict=True) if code == 1]
    else:
        there, said = ([names[int(each[0])]] if each[0] != UNKNOWN else ["not known"] for each in (codes, decisions))
    return {
        **told,
        "truth": ", ".join(there) or NONE,
        "predicted": ", ".join(said) or NONE,
        "correct": not wrong.any(),
        "chances": [
            {
                "label": names[place],
                "chance": float(chances[0, place]),
                "limit": None if limits is None else threshold_of(answers, limits, place),
            }
            for place in likely[:MOST_CHANCES]
        ],
    }


def _mistake(facts: ReportInputs, row: int) -> str:
    """Say what a series was taken for, where there is one answer to say."""
    return "" if facts.prediction.task.by_step else f"Taken for {_told(facts, row)['predicted']}"
