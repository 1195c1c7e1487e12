"""What holds for all tests."""

import gc

from hypothesis import HealthCheck, settings

# How long an example takes, or takes to be made up, is the machine's business.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """What was collected stays to the end, so the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
