"""Count the outcomes of inputs: accepted, refused with one sentence, or a fault."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from limelight.errors import InputError

LONGEST_SENTENCE = 1000


@dataclass
class Tally:
    """The outcomes of one campaign.

    Parameters
    ----------
    name
        The name of the campaign.
    outcomes
        How many inputs were "fine", "refused" or a "fault".
    faults
        A description of each fault.
    kills
        How often a command was killed.
    """

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    kills: int = 0

    def attempt(self, what: str, call: Callable[[], Any]) -> Any:
        """Call a function; anything but success or one sentence of InputError is a fault. Return its result or None."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = call()
            except InputError as error:
                self.record(what, None if is_sentence(str(error)) else f"no sentence: {str(error)!r:.300}", "refused")
            except Exception as error:
                self.record(what, f"{type(error).__name__}: {str(error)!r:.300}")
            else:
                self.record(what, None)
                return result
        return None

    def record(self, what: str, fault: str | None, outcome: str = "fine") -> None:
        """Count an outcome, which is a fault if it is described as one."""
        self.outcomes["fault" if fault else outcome] += 1
        if fault:
            self.faults.append(f"{what}: {fault}")

    @property
    def tried(self) -> int:
        """The number of inputs so far."""
        return self.outcomes.total()

    def to_json(self) -> dict[str, Any]:
        """Return the counts, and the first faults."""
        counts = {outcome: self.outcomes[outcome] for outcome in ("fine", "refused", "fault")}
        kills = {"kills": self.kills} if self.kills else {}
        return {"campaign": self.name, "tried": self.tried, **kills, **counts, "first_faults": self.faults[:20]}


def is_sentence(message: str) -> bool:
    """Whether a message is one printable line of limited length that can be encoded."""
    return (
        0 < len(message) <= LONGEST_SENTENCE
        and not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in message)
        and not any("\ud800" <= letter <= "\udfff" for letter in message)
    )
