"""What is learnt of the sizes of prompts, from an answer's usage to the row and back."""

import pytest

from proxysite.gateway.calibration import KeptCalibration
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
