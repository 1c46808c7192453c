"""Objects that are tables for pandas and polars."""

from __future__ import annotations

from abc import abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any

from limelight.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa


class Tabular:
    """What can be converted to an Arrow table, and with it to a frame of pandas or polars."""

    @abstractmethod
    def to_table(self) -> pa.Table:
        """Convert to an Arrow table."""

    def to_pandas(self) -> Any:
        """Convert to a ``pandas.DataFrame``, as ``to_table``; ParameterError if pandas is not installed."""
        try:
            import_module("pandas")
        except ImportError as error:
            raise ParameterError("to_pandas needs pandas, which is not installed; pip install pandas") from error
        return self.to_table().to_pandas()

    def to_polars(self) -> Any:
        """Convert to a ``polars.DataFrame``, as ``to_table``; ParameterError if polars is not installed."""
        try:
            polars = import_module("polars")
        except ImportError as error:
            raise ParameterError("to_polars needs polars, which is not installed; pip install polars") from error
        return polars.from_arrow(self.to_table())
