"""Time-series classification that shows what it looked at.

>>> import limelight as ll
>>> panel = ll.generate_sine(ll.SineSettings(dataset_size=60, num_points=40))
>>> train, test = panel.split(test=0.2)
>>> model = ll.TimeSeriesClassifier(random_state=0).fit(train)
>>> len(model.predict(test))
12
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limelight.data.align import align as align
    from limelight.data.annotations import StepLabels as StepLabels
    from limelight.data.panel import Panel as Panel
    from limelight.data.reading.tables import read_table as read_table
    from limelight.data.store.open import open_store as open_store
    from limelight.data.store.write import write_store as write_store
    from limelight.data.synthetic.sine import SineSettings as SineSettings
    from limelight.data.synthetic.sine import generate_sine as generate_sine
    from limelight.data.windowing.windows import cut_windows as cut_windows
    from limelight.data.windowing.windows import merge_windows as merge_windows
    from limelight.data.writing import write_table as write_table
    from limelight.errors import InputError as InputError
    from limelight.errors import LimelightError as LimelightError
    from limelight.estimator import TimeSeriesClassifier as TimeSeriesClassifier
    from limelight.evaluation.decision.decision_rule import DecisionRule as DecisionRule
    from limelight.explanation.explanation import Explanation as Explanation
    from limelight.interop.from_keras import from_keras as from_keras
    from limelight.loading import load as load
    from limelight.model_selection.comparison import compare as compare
    from limelight.model_selection.cross_validation import validate as validate
    from limelight.model_selection.tuning import tune as tune
    from limelight.parts.encoders import GRU as GRU
    from limelight.parts.encoders import LSTM as LSTM
    from limelight.parts.encoders import Auto as Auto
    from limelight.parts.encoders import Blocks as Blocks
    from limelight.parts.encoders import ConvLSTM as ConvLSTM
    from limelight.parts.encoders import Rocket as Rocket
    from limelight.parts.encoders import register_encoder as register_encoder
    from limelight.parts.heads import LinearHead as LinearHead
    from limelight.parts.heads import MLPHead as MLPHead
    from limelight.parts.poolings import AttentionPooling as AttentionPooling
    from limelight.parts.poolings import LastPooling as LastPooling
    from limelight.parts.poolings import MaxPooling as MaxPooling
    from limelight.parts.poolings import MeanPooling as MeanPooling
    from limelight.training.settings import TrainingSettings as TrainingSettings

__version__ = "0.1.0"

_HOMES = {
    "AttentionPooling": "parts.poolings",
    "Auto": "parts.encoders",
    "Blocks": "parts.encoders",
    "ConvLSTM": "parts.encoders",
    "DecisionRule": "evaluation.decision.decision_rule",
    "Explanation": "explanation.explanation",
    "GRU": "parts.encoders",
    "InputError": "errors",
    "LSTM": "parts.encoders",
    "LastPooling": "parts.poolings",
    "LimelightError": "errors",
    "LinearHead": "parts.heads",
    "MLPHead": "parts.heads",
    "MaxPooling": "parts.poolings",
    "MeanPooling": "parts.poolings",
    "Panel": "data.panel",
    "Rocket": "parts.encoders",
    "SineSettings": "data.synthetic.sine",
    "StepLabels": "data.annotations",
    "TimeSeriesClassifier": "estimator",
    "TrainingSettings": "training.settings",
    "align": "data.align",
    "compare": "model_selection.comparison",
    "cut_windows": "data.windowing.windows",
    "from_keras": "interop.from_keras",
    "generate_sine": "data.synthetic.sine",
    "load": "loading",
    "merge_windows": "data.windowing.windows",
    "open_store": "data.store.open",
    "read_table": "data.reading.tables",
    "register_encoder": "parts.encoders",
    "tune": "model_selection.tuning",
    "validate": "model_selection.cross_validation",
    "write_store": "data.store.write",
    "write_table": "data.writing",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the command line starts without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'limelight' has no attribute {name!r}")
    value = getattr(import_module(f"limelight.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
