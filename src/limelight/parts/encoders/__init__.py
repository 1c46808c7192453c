"""Encoders: parts that turn a series into features.

Every module of this folder is imported, and so registered. Installed packages register theirs by an entry point of the
group ``limelight.encoders``.
"""

import warnings
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from limelight.parts.base import Units as Units
from limelight.parts.encoders.auto import Auto as Auto
from limelight.parts.encoders.base import ENCODERS as ENCODERS
from limelight.parts.encoders.base import Encoder as Encoder
from limelight.parts.encoders.base import SearchSpace as SearchSpace
from limelight.parts.encoders.base import TrainingSummary as TrainingSummary
from limelight.parts.encoders.base import register_encoder as register_encoder
from limelight.parts.encoders.blocks import Blocks as Blocks
from limelight.parts.encoders.conv_lstm import ConvLSTM as ConvLSTM
from limelight.parts.encoders.inception import Inception as Inception
from limelight.parts.encoders.recurrent import GRU as GRU
from limelight.parts.encoders.recurrent import LSTM as LSTM
from limelight.parts.encoders.rocket import Rocket as Rocket

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
for _entry in entry_points(group="limelight.encoders"):
    try:
        _entry.load()
    except Exception as error:  # whatever a foreign package raises must not break every import of limelight
        warnings.warn(
            f"the encoder {_entry.value!r} could not be loaded ({type(error).__name__}: {error})", stacklevel=2
        )
