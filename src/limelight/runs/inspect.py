"""``limelight inspect``: whether the series of an experiment are ready for training, and what to fix first."""

from __future__ import annotations

from limelight.config.sections import Experiment
from limelight.data.inspection.fields import FieldUse
from limelight.data.inspection.findings import Inspection
from limelight.data.inspection.inspect_panel import inspect_panel
from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.errors import InputError, ParameterError
from limelight.model.padding import require_finite
from limelight.model.targets import targets_of
from limelight.model.vocabulary import Vocabulary, fit_vocabulary
from limelight.progress import late_bar
from limelight.recipe import Recipe
from limelight.runs.dataset import Dataset, cut, prepare_data, read_recordings, split_panel


def inspect_experiment(experiment: Experiment) -> Inspection:
    """Read the series of an experiment and summarise them, with warnings and a verdict.

    Parameters
    ----------
    experiment
        Where the series are, how to split them, and what to train.

    Returns
    -------
    Inspection
        If training would refuse the series, with the reason in the words of training.

    Raises
    ------
    DataError, LabelError, ParameterError
        If the series cannot be read.
    """
    recordings = read_recordings(experiment)
    try:
        data = prepare_data(experiment, recordings)
    except InputError as error:
        panel = cut(experiment, recordings)
        return _inspect(experiment, panel, _split_if_possible(experiment, panel), str(error))
    inspection = inspect_data(experiment, data)
    try:
        require_trainable(experiment.recipe(), data, inspection)
    except InputError as error:
        return _inspect(experiment, data.panel, data.split, str(error))
    return inspection


def inspect_data(experiment: Experiment, data: Dataset) -> Inspection:
    """Summarise the series of an experiment that have been read and split, with warnings."""
    return _inspect(experiment, data.panel, data.split)


def require_trainable(recipe: Recipe, data: Dataset, inspection: Inspection) -> None:
    """Check what can be checked before a run trains; raise what the run would raise.

    Parameters
    ----------
    recipe
        What to fit and how.
    data
        The series and their split.
    inspection
        Their inspection.

    Raises
    ------
    DataError, LabelError, ParameterError
        If there are no test series, a class is only among them, or the recipe does not take the series.
    """
    if not len(data.split.test):
        raise ParameterError(
            f"expected test series, got none of {len(data.panel):,} series; set split.test above 0, add series if "
            "these are too few, or name some in the split file"
        )
    targets_of(data.task, data.part("test"))  # a class that only the test set has
    if any(channel.infinite for channel in inspection.channels):
        require_finite(data.panel, missing=True)
    recipe.check(data.part("train"), data.task, validation=data.validation)


def _inspect(experiment: Experiment, panel: Panel, split: Split | None, refusal: str | None = None) -> Inspection:
    recipe, train = experiment.recipe(), panel if split is None else panel[split.train]
    uses, network = field_uses(recipe, train), recipe.may_train_network(train)
    steps = int(panel.lengths.sum())
    with late_bar("inspecting", steps, " steps") as bar:
        return inspect_panel(
            panel,
            split,
            group=experiment.split.group,
            uses=uses,
            refusal=refusal,
            network=network,
            advance=bar.update,
        )


def _split_if_possible(experiment: Experiment, panel: Panel) -> Split | None:
    if panel.labels is None and panel.step_labels is None:
        return None
    try:
        return split_panel(experiment, panel)
    except InputError:
        return None


def field_uses(recipe: Recipe, panel: Panel) -> dict[str, FieldUse]:
    """Return what a fit on training series takes each metadata field for; empty if it cannot use the fields."""
    names = [] if panel.metadata is None else panel.metadata.column_names
    kinds = {name: kind for name, kind in recipe.kinds(panel).items() if name in names}
    try:
        vocabulary = fit_vocabulary(panel.metadata, schema=kinds)
    except InputError:
        return {}
    reads = recipe.architecture.needs_metadata or recipe.architecture.fusion == "auto"
    return {
        one.name: FieldUse(one.kind if reads else "ignore", _why_ignored(one.name, one.kind, recipe, vocabulary, reads))
        for one in vocabulary.fields
    }


def _why_ignored(name: str, kind: str, recipe: Recipe, vocabulary: Vocabulary, reads: bool) -> str:
    if not reads:
        return "the network reads no metadata"
    if kind != "ignore":
        return ""
    if name in recipe.fields:
        return "stated in data.fields"
    if name == recipe.hold_out.group:
        return "names the groups of the split"
    start, end = f"metadata {name!r} ", ": not used"
    notes = [note for note in vocabulary.notes if note.startswith(start) and note.endswith(end)]
    return notes[0].removeprefix(start).removesuffix(end) if notes else "not used"
