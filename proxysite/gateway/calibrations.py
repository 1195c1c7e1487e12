"""How many real tokens each model makes of an estimated one, learnt from the usage that upstreams report.

Read on the event loop (one dictionary), learnt and stored in the database thread, where usage is read anyway.
"""

from routing.dialects.tokens import Calibration
from routing.models import TokenCalibration

MOST_MODELS = 1000  # names come from clients


class Calibrations:
    def __init__(self) -> None:
        self.ratios: dict[str, float] = {}  # by the model's name as it is sent
        self._kept: dict[str, Calibration] = {}
        self._changed: set[str] = set()

    def load(self) -> None:
        for row in TokenCalibration.objects.all()[:MOST_MODELS]:
            self._keep(row.model, Calibration(row.ratio, row.weight))

    def seen(self, model: str, estimated: int, real: int) -> None:
        """`estimated` was calibrated with the ratio of its time, which is still about today's."""
        if model not in self._kept and len(self._kept) >= MOST_MODELS:
            return
        before = self._kept.get(model, Calibration())
        after = before.seen(round(estimated / before.ratio), real)
        if after != before:
            self._keep(model, after)
            self._changed.add(model)

    def store(self) -> None:
        """Writes what was learnt since the last time."""
        changed, self._changed = self._changed, set()
        for model in changed:
            kept = self._kept[model]
            TokenCalibration.objects.update_or_create(
                model=model, defaults={"ratio": kept.ratio, "weight": kept.weight}
            )

    def _keep(self, model: str, calibration: Calibration) -> None:
        self._kept[model] = calibration
        self.ratios[model] = calibration.ratio
