"""The message of an expected error."""

from collections.abc import Callable
from typing import Any

import pytest


def message_of(error_class: type[Exception], call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the message of the error that a call must raise."""
    with pytest.raises(error_class) as error:
        call(*arguments, **options)
    return str(error.value)
