"""What is learnt of the sizes of prompts, from an answer's usage to the row and back."""

import orjson
import pytest

from proxysite.gateway.calibration import SAMPLE_BYTES, SAMPLE_SECONDS, KeptCalibration
from routing.dialects import Dialect
from routing.models import TokenCalibration

pytestmark = pytest.mark.django_db


def learnt(model="glm", times=1, real=2000):
    kept = KeptCalibration()
    for _ in range(times):
        kept.learn(model, estimated=1000, reported=real, ratio=1.0)
    return kept


def started_again():
    kept = KeptCalibration()
    kept.load()
    return kept.now


def test_a_model_of_which_nothing_is_known_is_as_estimated():
    assert started_again().ratio("glm") == 1.0


def test_a_reported_prompt_moves_the_next_estimate_towards_it():
    assert 1.5 < learnt().now.ratio("glm") < learnt(times=20).now.ratio("glm") <= 2.0


def test_what_was_learnt_outlives_the_process():
    kept = learnt()
    kept.store()
    assert started_again().ratio("GLM") == kept.now.ratio("glm")


def test_it_is_one_row_however_often_it_is_stored():
    kept = learnt()
    kept.store()
    kept.learn("other", estimated=10, reported=10, ratio=1.0)
    kept.store()
    assert TokenCalibration.objects.count() == 1
    assert started_again().ratio("glm") > 1.5


def test_nothing_is_written_when_nothing_was_learnt(django_assert_num_queries):
    kept = learnt()
    kept.store()
    with django_assert_num_queries(0):
        kept.store()


def test_no_more_models_are_kept_than_a_client_can_think_up_names():
    kept = KeptCalibration()
    for number in range(1100):
        kept.learn(f"model-{number}", estimated=1000, reported=2000, ratio=1.0)
    assert len(kept.now.dump()) == 1000
    assert kept.now.ratio("model-1099") > 1
    assert kept.now.ratio("model-0") == 1.0


def test_a_row_that_makes_no_sense_is_forgotten():
    TokenCalibration.objects.create(pk=1, sums={"glm": "much", "kimi": [1000, 2000]})
    assert started_again().ratio("glm") == 1.0
    assert started_again().ratio("kimi") == 2.0


HELLO = orjson.dumps({"model": "glm", "messages": [{"role": "user", "content": "word " * 800}]})


def test_a_passing_request_is_looked_at_now_and_then():
    kept = KeptCalibration()
    assert kept.wants("glm", Dialect.CHAT, HELLO, 100)
    assert not kept.wants("glm", Dialect.CHAT, HELLO, 100 + SAMPLE_SECONDS - 1)
    assert kept.wants("other", Dialect.CHAT, HELLO, 101)
    assert kept.wants("glm", Dialect.CHAT, HELLO, 100 + SAMPLE_SECONDS)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (None, HELLO),
        (Dialect.COMPLETIONS, HELLO),
        (Dialect.GENERATE, HELLO),
        (Dialect.CHAT, b""),
        (Dialect.CHAT, b"x" * (SAMPLE_BYTES + 1)),
    ],
)
def test_what_tells_nothing_or_takes_long_is_not_looked_at(dialect, body):
    assert not KeptCalibration().wants("glm", dialect, body, 100)


def test_models_that_clients_think_up_do_not_pile_up():
    kept = KeptCalibration()
    for number in range(1001):
        assert kept.wants(f"model-{number}", Dialect.CHAT, HELLO, 100)
    assert len(kept._next_sample) == 1


def test_a_passing_request_is_learnt_from():
    kept = KeptCalibration()
    kept.learn_from(HELLO, Dialect.CHAT, "glm", reported=2000)
    assert kept.now.ratio("glm") > 1.5


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": 3}', b'{"input": "text to embed"}'])
def test_a_body_that_is_no_conversation_teaches_nothing(body):
    kept = KeptCalibration()
    kept.learn_from(body, Dialect.CHAT, "glm", reported=9)
    assert kept.now.dump() == {}
