"""The built-in judges of an answer.

`stream.TextDetectors` reads one stream of text while it arrives: visible text, reasoning, or the arguments of one tool
call.  `tail` finds what repeats at its end, `units` knows how often which kind of text may stand in a row, `nearly`
sees repeats that are not exact, `nonsense` what is no language.  `answer` judges what is only known at the end.
A false alarm is worse than a late catch: text whose numbers change is data, and code may repeat more often than prose.
"""

from validation.detectors.names import DETECTORS, Detector
from validation.detectors.stream import TextDetectors

__all__ = ["DETECTORS", "Detector", "TextDetectors"]
