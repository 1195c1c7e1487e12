"""What a judge of an answer says when it found something."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Offsets count characters of the stream that was fed.

    Text before `onset` is good, a first copy included: there the first repeat begins.  At `offset` it was noticed.
    `period` is the length of what repeats, 0 where nothing does.
    """

    detector: str
    issue_type: str
    confidence: float
    onset: int
    offset: int
    period: int
    explanation: str
