"""Interrupts that wait for the prediction of a step are never lost."""

import signal
import sys
from types import FrameType
from typing import Any

import pytest

from limelight.runs.interrupts import held_interrupts


@pytest.mark.parametrize("moment", range(12))
def test_an_interrupt_at_any_moment_of_the_end_counts(moment: int) -> None:
    received = []
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    places = iter(range(1_000))

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_name != "__exit__":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(places) == moment:
            signal.raise_signal(signal.SIGINT)
        return trace

    outer = sys.gettrace()
    try:
        with held_interrupts() as hold:
            sys.settrace(trace)
            with hold:
                pass
            sys.settrace(outer)
    finally:
        sys.settrace(outer)
        signal.signal(signal.SIGINT, before)
    assert received == [signal.SIGINT]


def test_an_interrupt_waits_for_the_prediction_of_a_step() -> None:
    received = []
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        with held_interrupts() as hold, hold:
            signal.raise_signal(signal.SIGINT)
            assert received == []
        assert received == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
