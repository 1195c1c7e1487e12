"""What is learnt of how many real tokens models make of an estimated one, kept across restarts.

The event loop reads ratios; learning and storing happen in the database thread, where usage is read anyway.
"""

from routing.dialects.tokens import Calibration
from routing.models import TokenCalibration


class KeptCalibration:
    """A `Calibration` and the row it is kept in."""

    def __init__(self) -> None:
        self.now = Calibration()
        self._is_stored = True

    def load(self) -> None:
        row = TokenCalibration.objects.filter(pk=1).first()
        self.now = Calibration.load(row.sums if row else None)

    def learn(self, model: str, *, estimated: int, reported: int, ratio: float) -> None:
        self.now.learn(model, estimated=estimated, reported=reported, ratio=ratio)
        self._is_stored = False

    def store(self) -> None:
        """Writes what was learnt since the last time."""
        if not self._is_stored:
            TokenCalibration.objects.update_or_create(pk=1, defaults={"sums": self.now.dump()})
            self._is_stored = True
