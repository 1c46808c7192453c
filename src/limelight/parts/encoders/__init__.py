"""Encoders: parts that turn a series into features. Every module of this folder is imported, and so registered."""

from importlib import import_module
from pkgutil import iter_modules

from limelight.parts.base import Units as Units
from limelight.parts.encoders.auto import Auto as Auto
from limelight.parts.encoders.base import ENCODERS as ENCODERS
from limelight.parts.encoders.base import Encoder as Encoder
from limelight.parts.encoders.base import SearchSpace as SearchSpace
from limelight.parts.encoders.base import TrainingSummary as TrainingSummary
from limelight.parts.encoders.base import register_encoder as register_encoder
from limelight.parts.encoders.conv_lstm import ConvLSTM as ConvLSTM
from limelight.parts.encoders.recurrent import GRU as GRU
from limelight.parts.encoders.recurrent import LSTM as LSTM
from limelight.parts.encoders.rocket import Rocket as Rocket

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
