"""Plans for an upstream that speaks another dialect than the client."""

import orjson
import pytest

from proxysite.gateway.endpoints import ENDPOINTS
from proxysite.gateway.plan import Chance
from routing.dialects import Dialect
from routing.dialects.tokens import Calibration
from routing.errors import BadRequest, DialectNotSpoken
from routing.kinds import Kind
from routing.snapshot import Target
from sampling.merge import ABSENT, Change
from sampling.snapshot import Layer, Rule, SamplingTable
from tests.proxysite.gateway.test_plan import BILLING, asked, plan
from tests.snapshots import an_upstream, bound, routing_of

HELLO = [{"role": "user", "content": "Hi"}]
MESSAGES = {"model": "mine", "max_tokens": 9, "messages": HELLO}


def planned(body=MESSAGES, *, speaks=(Dialect.CHAT,), model="", sampling=(), chance=None, path="messages", **more):
    fields = {name: more.pop(name) for name in list(more) if name not in ("query", "headers")}
    target = Target(upstream=an_upstream(dialects=frozenset(speaks), **fields), model=model)
    rules = SamplingTable(
        rules=tuple(
            Rule(layer=layer, pattern="*", preset="careful", parameters=parameters) for layer, parameters in sampling
        )
    )
    request = asked(body, path=path, **more)
    return plan(request, ENDPOINTS[path], routing_of(bound("*", target)), rules, chance or Chance(now=1_000))


def sent(**more):
    return orjson.loads(planned(**more).body)


class TestTheUpstreamsDialect:
    @pytest.mark.parametrize(
        ("path", "speaks", "chosen"),
        [
            ("messages", (Dialect.MESSAGES, Dialect.CHAT), Dialect.MESSAGES),
            ("messages", (Dialect.RESPONSES, Dialect.CHAT), Dialect.CHAT),
            ("messages", (Dialect.RESPONSES,), Dialect.RESPONSES),
            ("responses", (Dialect.CHAT, Dialect.MESSAGES), Dialect.CHAT),
            ("chat/completions", (Dialect.RESPONSES, Dialect.MESSAGES), Dialect.MESSAGES),
            ("completions", (Dialect.GENERATE, Dialect.CHAT), Dialect.GENERATE),
        ],
    )
    def test_is_the_clients_own_else_the_nearest(self, path, speaks, chosen):
        said = {"responses": {"input": "Hi"}, "completions": {"prompt": "Hi"}}.get(path, {"messages": HELLO})
        body = {"model": "m", **said}
        assert planned(body, path=path, speaks=speaks).dialect is chosen

    def test_that_nothing_can_be_converted_to_is_refused_by_the_upstreams_name(self):
        with pytest.raises(DialectNotSpoken, match=r"“local” does not speak messages \(it speaks generate\)"):
            planned(speaks=(Dialect.GENERATE,))


class TestTheRequest:
    def test_has_the_beta_of_what_it_makes_use_of(self):
        """Row 2.1.26 of the wire reference."""
        body = {"model": "m", "input": "Hi", "context_management": [{"type": "compaction", "compact_threshold": 90000}]}
        anthropic = {"path": "responses", "speaks": (Dialect.MESSAGES,), "kind": Kind.ANTHROPIC}
        assert (b"anthropic-beta", b"compact-2026-01-12") in planned(body, **anthropic).headers
        plain = planned({"model": "m", "input": "Hi"}, **anthropic)
        assert not [name for name, _ in plain.headers if name == b"anthropic-beta"]

    def test_goes_to_the_endpoint_of_its_dialect_without_the_query(self):
        plan = planned(query=b"beta=true")
        assert plan.url == "http://up/v1/chat/completions"
        assert orjson.loads(plan.body)["messages"] == HELLO
        assert (plan.conversation.client, plan.conversation.upstream) == (Dialect.MESSAGES, Dialect.CHAT)

    def test_says_the_targets_model_and_the_answer_the_clients(self):
        plan = planned(model="theirs")
        assert orjson.loads(plan.body)["model"] == "theirs"
        assert (plan.model_asked, plan.model_sent, plan.conversation.model) == ("mine", "theirs", "mine")
        assert plan.changes == (Change("model", "mine", "theirs", "target at local"),)

    def test_keeps_a_model_that_the_target_does_not_rename(self):
        plan = planned()
        assert (plan.model_sent, plan.changes) == ("mine", ())

    def test_that_names_no_model_gets_the_targets(self):
        plan = planned({"max_tokens": 9, "messages": HELLO}, model="theirs")
        assert orjson.loads(plan.body)["model"] == "theirs"
        assert plan.changes == (Change("model", ABSENT, "theirs", "target at local"),)

    def test_streams_as_the_client_asked(self):
        assert planned({**MESSAGES, "stream": True}).streams
        assert not planned().streams

    def test_loses_the_billing_block_and_says_so(self):
        plan = planned({**MESSAGES, "system": [BILLING, {"type": "text", "text": "Be kind."}]})
        assert orjson.loads(plan.body)["messages"][0] == {"role": "system", "content": "Be kind."}
        assert [change.name for change in plan.changes] == ["system"]

    def test_warns_of_what_it_loses(self):
        plan = planned({**MESSAGES, "container": "c"})
        assert any("container" in warning for warning in plan.warnings)

    def test_that_cannot_be_converted_is_refused(self):
        with pytest.raises(BadRequest, match="n must be 1"):
            planned({"model": "m", "messages": HELLO, "n": 2}, path="chat/completions", speaks=(Dialect.MESSAGES,))

    def test_is_not_changed_in_the_clients_own_bytes(self):
        body = orjson.dumps(MESSAGES)
        planned(body, model="theirs", sampling=[(Layer.ENFORCED, {"temperature": 0.5})])
        assert orjson.loads(body) == MESSAGES


class TestSamplingRules:
    def test_may_say_what_the_clients_dialect_cannot(self):
        body = sent(sampling=[(Layer.MODEL, {"min_p": 0.1, "repetition_penalty": 1.1})])
        assert (body["min_p"], body["repetition_penalty"]) == (0.1, 1.1)

    def test_reach_the_upstream_under_its_own_names(self):
        body = sent(sampling=[(Layer.MODEL, {"repetition_penalty": 1.1})], kind=Kind.LLAMACPP)
        assert body["repeat_penalty"] == 1.1
        assert "repetition_penalty" not in body

    def test_that_the_upstream_cannot_carry_leave_a_warning(self):
        plan = planned(sampling=[(Layer.MODEL, {"top_k": 5})], kind=Kind.OPENAI)
        assert "top_k" not in orjson.loads(plan.body)
        assert any("top_k" in warning for warning in plan.warnings)

    def test_are_those_of_the_clients_dialect(self):
        rules = SamplingTable(
            rules=(
                Rule(
                    layer=Layer.MODEL,
                    pattern="*",
                    preset="p",
                    parameters={"top_k": 5},
                    applies_to=Dialect.MESSAGES,
                ),
            )
        )
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT}))))
        made = plan(asked(MESSAGES, path="messages"), ENDPOINTS["messages"], routing, rules)
        assert orjson.loads(made.body)["top_k"] == 5


class TestTheUpstreamsOwnAdjustments:
    def test_are_made_to_the_converted_body(self):
        body = sent(
            drop_params=("stop",), rename_params={"max_tokens": "max_completion_tokens"}, set_params={"seed": 1}
        )
        assert body == {"model": "mine", "messages": HELLO, "max_completion_tokens": 9, "seed": 1}


class TestWhatAnEstimateNeeds:
    def test_is_what_was_learnt_of_the_model_as_it_is_sent(self):
        calibration = Calibration()
        calibration.learn("theirs", estimated=100_000, reported=300_000)
        plain = planned(model="theirs")
        learnt = planned(model="theirs", chance=Chance(calibration=calibration))
        assert learnt.token_ratio == pytest.approx(3, rel=0.05)
        assert learnt.conversation.prompt_estimate == pytest.approx(3 * plain.conversation.prompt_estimate, rel=0.1)
