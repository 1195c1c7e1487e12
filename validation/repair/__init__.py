"""Tool calls and reasoning that models leak into the text, found again while the answer streams.

`recogniser.Repair` is the transform; `lane` finds markup in one kind of text; `families.table` has a row for each
family's markup, whose parsers read from a `source` that can wait for more.  `trigger` tells which bytes may go around.
"""

from validation.repair.families.table import FAMILIES
from validation.repair.recogniser import Mended, Note, Repair
from validation.repair.trigger import IN_TEXT, could_go_on, holds_marker, is_suspect

__all__ = [
    "FAMILIES",
    "IN_TEXT",
    "Mended",
    "Note",
    "Repair",
    "could_go_on",
    "holds_marker",
    "is_suspect",
]
