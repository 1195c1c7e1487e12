"""What holds for all tests."""

from hypothesis import settings

# No deadlines: how long one example takes is the machine's business.
settings.register_profile("suite", deadline=None, max_examples=50)
settings.load_profile("suite")
