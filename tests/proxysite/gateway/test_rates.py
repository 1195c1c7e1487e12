import random
from collections import deque

from proxysite.gateway.rates import BUCKET, Rates


def test_requests_of_the_last_minute_are_counted():
    rates = Rates()
    assert rates.per_minute(1e6) == (0, 0)
    rates.count(1e6, failed=False)
    rates.count(1e6 + 30, failed=True)
    assert rates.per_minute(1e6 + 31) == (2, 1)
    assert rates.per_minute(1e6 + 65) == (1, 1)
    assert rates.per_minute(1e6 + 1e5) == (0, 0)


def test_it_counts_what_a_list_of_all_times_would_within_one_bucket():
    rates, times, now, chance = Rates(), deque(), 1e6, random.Random(4)
    for _ in range(2000):
        now += chance.choice([0.0, 0.1, 3.0, 20.0])
        rates.count(now, failed=False)
        times.append(now)
        counted, _ = rates.per_minute(now)
        assert sum(one > now - 60 + BUCKET for one in times) <= counted <= sum(one > now - 60 for one in times)


def test_a_clock_that_stands_or_goes_back_loses_nothing():
    rates = Rates()
    rates.count(1000.0, failed=False)
    rates.count(990.0, failed=True)
    assert rates.per_minute(995.0) == (2, 1)
