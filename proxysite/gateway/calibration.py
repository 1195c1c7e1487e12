"""What is learnt of how many real tokens models make of an estimated one, kept across restarts.

The event loop reads ratios; learning and storing happen in the database thread, where usage is read anyway.  A request
that is converted was estimated for its own sake.  Of those that pass in the upstream's dialect one is estimated now and
then, in that thread too, so that counts for a model are right although nobody converts for it.
"""

import orjson

from routing.dialects import Dialect, conversion, tokens
from routing.dialects.tokens import Calibration
from routing.errors import BadRequest
from routing.models import TokenCalibration

SAMPLE_SECONDS = 30.0  # between two passing requests of a model that are looked at
SAMPLE_BYTES = 256 * 1024  # of a body; a longer one takes too long to read
_MOST_SAMPLED = 1000  # models
_SAMPLED = frozenset({Dialect.CHAT, Dialect.MESSAGES, Dialect.RESPONSES})  # prompts of completions have no template


class KeptCalibration:
    """A `Calibration` and the row it is kept in."""

    def __init__(self) -> None:
        self.now = Calibration()
        self._is_stored = True
        self._next_sample: dict[str, float] = {}  # by model: not before this time

    def load(self) -> None:
        row = TokenCalibration.objects.filter(pk=1).first()
        self.now = Calibration.load(row.sums if row else None)

    def learn(self, model: str, *, estimated: int, reported: int, ratio: float) -> None:
        self.now.learn(model, estimated=estimated, reported=reported, ratio=ratio)
        self._is_stored = False

    def wants(self, model: str, dialect: Dialect | None, body: bytes, now: float) -> bool:
        """Whether a passing request is to be looked at; it counts as looked at then."""
        if now < self._next_sample.get(model, 0) or dialect not in _SAMPLED or not 0 < len(body) <= SAMPLE_BYTES:
            return False
        if len(self._next_sample) >= _MOST_SAMPLED:
            self._next_sample.clear()
        self._next_sample[model] = now + SAMPLE_SECONDS
        return True

    def learn_from(self, body: bytes, dialect: Dialect, model: str, *, reported: int) -> None:
        """From a body as it was sent.  One that makes no sense here may still have made sense to its upstream."""
        try:
            request = conversion.parse(orjson.loads(body), dialect)
        except (orjson.JSONDecodeError, BadRequest):
            return
        if request.turns:  # else it is no conversation, but embeddings
            self.learn(model, estimated=tokens.estimate(request), reported=reported, ratio=1.0)

    def store(self) -> None:
        """Writes what was learnt since the last time."""
        if not self._is_stored:
            TokenCalibration.objects.update_or_create(pk=1, defaults={"sums": self.now.dump()})
            self._is_stored = True
