"""Judging what models answer: detectors, the validator model, and what is done about garbage."""
