"""A record and a failure keep no key, not even half of one where they are cut."""

import pytest

from proxysite import redaction
from proxysite.gateway import failure_rows
from proxysite.gateway.recorder import Recorder
from routing.secrets import Secret
from tests.proxysite.failures import a_failure

KEY = "planted-" + "0123456789" * 4
LIMIT = 1024  # bytes that are kept


@pytest.fixture(autouse=True)
def one_key(monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", (Secret(KEY),))


@pytest.mark.parametrize("before", range(LIMIT - len(KEY) - 1, LIMIT + 1))
def test_a_body_that_is_cut_within_a_key_keeps_nothing_of_it(before):
    recorder = Recorder.__new__(Recorder)
    recorder._capture_bytes = LIMIT
    kept = recorder._text(b"." * before + KEY.encode() + b"." * 99)
    assert "planted" not in kept
    assert kept.startswith("." * before)
    assert len(kept.partition("\n[… ")[0]) <= LIMIT


@pytest.mark.parametrize("behind", range(LIMIT - len(KEY) - 1, LIMIT + 1))
def test_an_answer_whose_end_begins_within_a_key_keeps_nothing_of_it(behind):
    row = failure_rows.row_of(a_failure(text=KEY + "." * behind), "all", LIMIT, lambda body: "")
    assert "0123456789" not in row.text
    assert row.text.endswith("." * min(behind, LIMIT))
    assert len(row.text) <= LIMIT


def test_parameters_of_a_failure_keep_no_key():
    parameters = {"temperature": 0.5, "user": f"mine: {KEY}", "extra": {"api_key": "abcdef123456"}}
    row = failure_rows.row_of(a_failure(parameters=parameters), "all", LIMIT, lambda body: "")
    assert row.parameters["temperature"] == 0.5
    assert KEY not in str(row.parameters)
    assert "abcdef123456" not in str(row.parameters)
