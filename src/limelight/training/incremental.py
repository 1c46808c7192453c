"""A head in closed form that grows: the series of each call add to sums, and the head is solved again."""

from __future__ import annotations

import copy
import time
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.errors import LabelError
from limelight.model.evidence_profile import measure_profile
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.training.closed_form import set_head
from limelight.training.losses import Loss, signed_targets
from limelight.training.result import SOLVED, FitResult, OutOfSample
from limelight.training.ridge import HELD_OUT, fit_ridge_parts
from limelight.training.ridge_parts import RidgePart, RidgeSums
from limelight.training.streamed_head import MOST_HELD_OUT, pooled
from limelight.types import Codes

MOST_PROFILED = 64
"""Held-out series for the baseline of evidence."""
MOST_REMEMBERED = 1_000
"""Series of the first call that are kept for the profile of the training series."""


class IncrementalHead:
    """The head of a model in closed form, and the sums to which further series are added.

    Scaling, thresholds, blocks and the vocabulary of metadata stay as they were fitted to the first series. Memory does
    not grow with the series, but for one in ten, at most 20,000, which are held out to choose the penalty, the scale of
    the logits and the decision, and for the targets.

    Parameters
    ----------
    first
        The fit of the first series, in closed form.
    panel
        These series, with labels.
    seed
        Of the choice of the series held out.

    Attributes
    ----------
    held_out
        The series held out so far.

    Raises
    ------
    LabelError
        If a label is unknown.
    """

    held_out: Panel

    def __init__(self, first: FitResult, panel: Panel, seed: int) -> None:
        self.model: FittedModel = first.model
        self.emphasis = first.emphasis
        self.random = np.random.default_rng(seed)
        self.remembered = panel[np.arange(min(len(panel), MOST_REMEMBERED))]
        self.sums: RidgeSums | None = None
        self.held: list[tuple[Tensor, Tensor, Tensor]] = []
        self.panels: list[Panel] = []
        self.codes: list[Codes] = []
        self.lengths: list[np.ndarray] = []
        self._add(panel)

    @property
    def seen(self) -> int:
        """The number of series so far."""
        return sum(map(len, self.codes))

    def extended(self, panel: Panel) -> IncrementalHead:
        """Return the head with further series in its sums, of which one in ten is held out.

        Parameters
        ----------
        panel
            Series with the channels and metadata fields of the first ones, and labels of the same classes.

        Returns
        -------
        IncrementalHead
            Another one; this one stays as it is, so that a call that fails later changes nothing.

        Raises
        ------
        DataError
            If the series are not like those of the first call.
        LabelError
            If a label is unknown or new, or there are at most 10 series after the second call.
        """
        grown = copy.copy(self)
        grown.random = copy.deepcopy(self.random)
        grown.held, grown.panels = [*self.held], [*self.panels]
        grown.codes, grown.lengths = [*self.codes], [*self.lengths]
        grown._add(panel)
        return grown

    def _add(self, panel: Panel) -> None:
        if self.codes and self.seen + len(panel) <= HELD_OUT:
            raise LabelError(
                f"expected more than {HELD_OUT} series in the first two calls, got {self.seen + len(panel)}; collect "
                "more series before a call"
            )
        task = self.model.task
        self.model.require_like_training(panel)
        panel = self.model.with_channels(panel)
        codes = targets_of(task, panel).every()
        wanted, known = signed_targets(task, codes)
        if not bool(known.all()):
            raise LabelError("expected every label to be known, as sums have no place for unknown ones; leave them out")
        weights = torch.ones(len(panel)) if panel.weights is None else torch.from_numpy(panel.weights)
        out = torch.zeros(len(panel), dtype=torch.bool)
        room = MOST_HELD_OUT - sum(len(one) for one in self.panels)
        out[torch.from_numpy(self.random.permutation(len(panel))[: min(-(-len(panel) // HELD_OUT), room)])] = True
        added, held, rows_held = None, [], []
        for rows, batch in self.model.batches(panel):
            features = pooled(self.model.network, batch)
            if added is None:
                shift = features.mean(dim=0) if self.sums is None else self.sums.shift
                added = RidgeSums(shift, task.outputs, self.emphasis)
            some, left = torch.from_numpy(rows), out[rows]
            added.add(features[~left], wanted[some[~left]], weights[some[~left]])
            held.append((features[left], wanted[some[left]], weights[some[left]]))
            rows_held.append(rows[left.numpy()])
        assert added is not None
        if self.sums is not None:
            added.merge(self.sums)
        self.sums = added
        self.held += held
        part = panel[np.concatenate(rows_held)]
        self.panels.append(part.replace(ids=[f"{len(self.panels)}:{one}" for one in part.ids]))
        self.codes.append(codes)
        self.lengths.append(panel.lengths)

    def refit(self) -> FitResult:
        """Solve the head for all series so far.

        Returns
        -------
        FitResult
            The model with its new head, before calibration, and the logits of ``held_out``.
        """
        started = time.perf_counter()
        assert self.sums is not None
        features, wanted, weights = (torch.cat(one) for one in zip(*self.held, strict=True))
        rows = torch.arange(len(features))
        part = RidgePart(copy.deepcopy(self.sums), rows, features, wanted, weights, self.seen)
        ridge = fit_ridge_parts([part])
        task, known = self.model.task, torch.ones_like(wanted, dtype=torch.bool)
        network = copy.deepcopy(self.model.network)
        own = weights[:, None].expand_as(wanted) if bool((weights != weights[0]).any()) else None
        logits = set_head(network, ridge, wanted, known, own, one_of=not task.multilabel)
        self.held_out = join_panels(self.panels)
        model = replace(self.model, network=network, fitted_on=self._info(ridge.alpha.tolist()))
        model.profile = measure_profile(model, self.held_out[np.arange(min(len(self.held_out), MOST_PROFILED))])
        held_codes = targets_of(task, self.held_out).every()
        loss = float(Loss(task)(logits, torch.from_numpy(held_codes)))
        out_of_sample = OutOfSample(rows.numpy(), logits.numpy(), loss)
        return FitResult(model, [], 0, SOLVED, time.perf_counter() - started, out_of_sample=out_of_sample)

    def sample(self) -> Panel:
        """Return first and held-out series, for the profile of the training series."""
        first = self.remembered
        return join_panels([first.replace(ids=[f"first:{one}" for one in first.ids]), self.held_out])

    def _info(self, penalty: list[float]) -> dict[str, object]:
        lengths = np.concatenate(self.lengths)
        return {
            **self.model.fitted_on,
            "training_series": self.seen,
            "lengths": [int(lengths.min()), int(np.median(lengths)), int(lengths.max())],
            "training": {"solver": "ridge", "penalty": penalty, "chosen_by": "held-out series"},
            "shares": self.model.task.shares(np.concatenate(self.codes)).tolist(),
        }
