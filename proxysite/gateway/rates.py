"""How many requests ended within the last minute.  Pure: `now` arrives as an argument, in seconds of any clock."""

BUCKET = 5  # seconds
BUCKETS = 12


class Rates:
    """A ring of short counts: what is counted costs the same however many requests there are."""

    def __init__(self) -> None:
        self._counts = [[0, 0] for _ in range(BUCKETS)]
        self._latest = 0  # the number of the bucket that was counted in last

    def count(self, now: float, *, failed: bool) -> None:
        self._move_to(now)
        bucket = self._counts[self._latest % BUCKETS]
        bucket[0] += 1
        bucket[1] += failed

    def per_minute(self, now: float) -> tuple[int, int]:
        """All of them, and those that failed."""
        self._move_to(now)
        return sum(one[0] for one in self._counts), sum(one[1] for one in self._counts)

    def _move_to(self, now: float) -> None:
        """Empties the buckets whose time has passed."""
        number = int(now // BUCKET)
        for passed in range(max(self._latest + 1, number - BUCKETS + 1), number + 1):
            self._counts[passed % BUCKETS] = [0, 0]
        self._latest = max(self._latest, number)
