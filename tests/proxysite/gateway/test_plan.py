from dataclasses import replace

import orjson
import pytest

from proxysite.gateway.asking import LONGEST_NAME, Asked, find_route, model_in, parsed
from proxysite.gateway.endpoints import ENDPOINTS
from proxysite.gateway.plan import Chance, plan_for
from routing.dialects import Dialect
from routing.errors import BadRequest, DialectNotSpoken, EndpointNotFound, MethodNotAllowed, ModelNotBound
from routing.kinds import Kind
from routing.snapshot import Target
from sampling.merge import ABSENT, Change
from sampling.snapshot import Layer, Rule, SamplingTable
from tests.snapshots import an_upstream, bound, routing_of

EVERYTHING = routing_of(bound("*"))
NO_RULES = SamplingTable()
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc"}


def asked(body=b"", *, path="chat/completions", method="POST", **more):
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"query": b"", "headers": [], "request_id": "req_1", **more}
    return Asked(method=method, path=path, body=content, **given)


def plan(request, endpoint, routing, sampling=NO_RULES, chance=None):
    """The plan for the first target."""
    route = find_route(request, endpoint, Dialect.CHAT, routing)
    return plan_for(request, route, route.binding.targets[0], sampling, chance or Chance())


def planned(body, *, routing=EVERYTHING, sampling=NO_RULES, **more):
    request = asked(body, **more)
    return plan(request, ENDPOINTS[request.path], routing, sampling)


def passed(body=b"", *, routing=EVERYTHING, path="rerank", **more):
    return plan(asked(body, path=path, **more), None, routing)


def renaming(model="theirs", **fields):
    return routing_of(bound("*", Target(upstream=an_upstream(**fields), model=model)))


def rules(layer=Layer.DEFAULT, **parameters):
    return SamplingTable(rules=(Rule(layer=layer, pattern="*", preset="careful", parameters=parameters),))


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"properties": {"a": value}}
    return value


class TestABodyThatIsNestedDeeply:
    DEEP = b'{"model": "m", "messages": [], "x": ' + b"[" * 900 + b"]" * 900 + b"}"

    def test_passes_as_it_is(self):
        assert planned(self.DEEP).body == self.DEEP

    def test_is_refused_where_it_must_be_written_anew(self):
        with pytest.raises(BadRequest, match="nested too deeply"):
            planned(self.DEEP, sampling=rules(temperature=1))

    def test_is_refused_on_any_other_path_too(self):
        with pytest.raises(BadRequest, match="nested too deeply"):
            passed(self.DEEP, routing=renaming())

    def test_is_refused_where_it_cannot_even_be_read(self):
        tool = {"name": "f", "input_schema": nested(10**4)}
        request = asked(b"{}", path="messages")
        route = find_route(request, ENDPOINTS["messages"], Dialect.MESSAGES, EVERYTHING)
        body = {"model": "m", "max_tokens": 9, "messages": [], "tools": [tool]}
        deep = replace(route, body=body)
        target = Target(upstream=an_upstream(dialects=frozenset({Dialect.CHAT})))
        with pytest.raises(BadRequest, match="nested too deeply"):
            plan_for(request, deep, target, NO_RULES, Chance())


class TestABody:
    @pytest.mark.parametrize("body", [b"", b" \n"])
    def test_that_is_missing_is_asked_for(self, body):
        with pytest.raises(BadRequest, match="has no body; send a JSON object"):
            parsed(body)

    def test_that_is_no_json_is_refused_with_the_place(self):
        with pytest.raises(BadRequest, match=r"not valid JSON: .*line 1 column 7"):
            parsed(b'{"a": nope}')

    @pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"'])
    def test_that_is_no_object_is_refused(self, body):
        with pytest.raises(BadRequest, match="must be a JSON object"):
            parsed(body)

    @pytest.mark.parametrize("body", [{}, {"model": None}, {"model": ""}])
    def test_may_name_no_model(self, body):
        assert model_in(body) is None

    @pytest.mark.parametrize("model", [1, True, ["a"], {"id": "a"}])
    def test_must_name_the_model_by_a_text(self, model):
        with pytest.raises(BadRequest, match="“model” must be a text"):
            model_in({"model": model})

    def test_names_the_model_by_a_text_that_can_be_remembered(self):
        assert model_in({"model": "m" * LONGEST_NAME}) == "m" * LONGEST_NAME
        with pytest.raises(BadRequest, match="must not have more than 1000 characters"):
            model_in({"model": "m" * (LONGEST_NAME + 1)})

    def test_that_is_passed_on_may_have_anything_for_a_model(self):
        body = b'{"model": "' + b"m" * 2000 + b'"}'
        plan = passed(body)
        assert (plan.body, plan.model_asked) == (body, "")


class TestAnEndpoint:
    def test_sends_a_body_that_nothing_changes_byte_for_byte(self):
        body = b' {"model" : "m", "x": 1.0, "y": "\\u00e9"} '
        plan = planned(body)
        assert plan.body is body or plan.body == body
        assert (plan.changes, plan.warnings, plan.echo) == ((), (), None)
        assert (plan.model_asked, plan.model_sent) == ("m", "m")

    def test_goes_to_the_upstreams_url_with_the_query(self):
        plan = planned({"model": "m"}, query=b"beta=true&x=%20")
        assert plan.url == "http://up/v1/chat/completions?beta=true&x=%20"
        assert (plan.method, plan.dialect, plan.upstream.name) == ("POST", Dialect.CHAT, "local")

    def test_carries_headers_and_id(self):
        plan = planned({"model": "m"}, headers=[(b"x-a", b"1"), (b"host", b"us")])
        assert (b"x-a", b"1") in plan.headers
        assert (b"x-request-id", b"req_1") in plan.headers
        assert b"host" not in dict(plan.headers)

    @pytest.mark.parametrize(("stream", "streams"), [(True, True), (False, False), (None, False), ("true", False)])
    def test_streams_when_the_body_says_true(self, stream, streams):
        assert planned({"model": "m", "stream": stream}).streams is streams

    def test_is_not_called_by_another_method(self):
        with pytest.raises(MethodNotAllowed, match="GET is not allowed on /v1/chat/completions; use POST") as caught:
            planned({"model": "m"}, method="GET")
        assert caught.value.headers == (("allow", "POST"),)

    def test_may_have_more_than_one_method(self):
        assert planned({"model": "m"}, path="generate", method="PUT").method == "PUT"
        with pytest.raises(MethodNotAllowed, match="use POST or PUT"):
            planned({"model": "m"}, path="generate", method="GET")

    def test_refuses_a_model_that_is_not_bound(self):
        with pytest.raises(ModelNotBound):
            planned({"model": "m"}, routing=routing_of(bound("other")))

    def test_refuses_a_dialect_that_cannot_be_converted_to_what_its_upstream_speaks(self):
        routing = routing_of(bound("*", an_upstream(dialects=frozenset({Dialect.CHAT, Dialect.COMPLETIONS}))))
        with pytest.raises(DialectNotSpoken, match=r"does not speak generate \(it speaks chat, completions\)"):
            planned({"model": "m"}, path="generate", routing=routing)


class TestSamplingRules:
    def test_change_the_body_and_say_why(self):
        plan = planned({"model": "m"}, sampling=rules(temperature=0.5))
        assert orjson.loads(plan.body) == {"model": "m", "temperature": 0.5}
        assert plan.changes == (Change("temperature", ABSENT, 0.5, "default: careful"),)

    @pytest.mark.parametrize("path", ["embeddings", "messages/count_tokens"])
    def test_do_not_apply_where_nothing_is_generated(self, path):
        assert planned({"model": "m"}, path=path, sampling=rules(temperature=0.5)).changes == ()

    def test_go_into_sampling_params_of_generate(self):
        plan = planned({"model": "m"}, path="generate", sampling=rules(temperature=0.5))
        assert orjson.loads(plan.body) == {"model": "m", "sampling_params": {"temperature": 0.5}}

    def test_that_a_dialect_cannot_carry_leave_a_warning(self):
        plan = planned({"model": "m"}, path="messages", sampling=rules(logit_bias={"1": 1}))
        assert "logit_bias" in plan.warnings[0]

    def test_apply_to_the_name_that_the_client_used(self):
        sampling = SamplingTable(
            rules=(Rule(layer=Layer.MODEL, pattern="mine", preset="p", parameters={"top_p": 0.5}),)
        )
        plan = planned({"model": "mine"}, routing=renaming(), sampling=sampling)
        assert orjson.loads(plan.body) == {"model": "theirs", "top_p": 0.5}


class TestAModelsName:
    def test_becomes_the_targets_and_is_echoed(self):
        plan = planned({"model": "mine"}, routing=renaming())
        assert orjson.loads(plan.body) == {"model": "theirs"}
        assert (plan.model_asked, plan.model_sent, plan.echo) == ("mine", "theirs", "mine")
        assert plan.changes == (Change("model", "mine", "theirs", "target at local"),)

    def test_that_is_the_targets_already_stays(self):
        plan = planned({"model": "theirs"}, routing=renaming())
        assert (plan.changes, plan.echo) == ((), None)

    def test_is_filled_in_where_the_client_sent_none_and_then_not_echoed(self):
        plan = planned({}, routing=renaming())
        assert orjson.loads(plan.body) == {"model": "theirs"}
        assert (plan.model_asked, plan.model_sent, plan.echo) == ("", "theirs", None)
        assert plan.changes == (Change("model", ABSENT, "theirs", "target at local"),)

    def test_loses_its_context_marker_which_no_server_knows_and_is_echoed_with_it(self):
        plan = planned({"model": "mine[1m]"})
        assert (plan.model_asked, plan.model_sent, plan.echo) == ("mine[1m]", "mine", "mine[1m]")

    def test_may_be_missing_altogether(self):
        plan = planned({"x": 1})
        assert (plan.model_asked, plan.model_sent, plan.echo) == ("", "", None)


class TestTheBillingBlock:
    BODY = {"model": "m", "system": [BILLING, {"type": "text", "text": "Be kind."}]}

    def test_is_taken_out_of_messages(self):
        plan = planned(self.BODY, path="messages")
        assert orjson.loads(plan.body)["system"] == [{"type": "text", "text": "Be kind."}]
        assert [change.name for change in plan.changes] == ["system"]

    def test_is_taken_out_when_tokens_are_counted_so_that_the_count_is_right(self):
        assert planned(self.BODY, path="messages/count_tokens").changes

    def test_stays_where_the_upstream_wants_it(self):
        routing = routing_of(bound("*", an_upstream(strip_billing_header=False)))
        assert planned(self.BODY, path="messages", routing=routing).changes == ()

    def test_is_looked_for_in_messages_only(self):
        assert planned(self.BODY).changes == ()

    def test_that_is_not_there_changes_nothing(self):
        assert planned({"model": "m", "system": "x"}, path="messages").changes == ()


class TestThinkingOfAnotherModel:
    """Rows 2.7.2 and 6.1.10 of the wire reference."""

    BODY = {
        "model": "m",
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [
            {"role": "user", "content": "q"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": ""},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
        ],
    }
    ANTHROPIC = routing_of(bound("*", an_upstream(kind=Kind.ANTHROPIC)))

    def test_does_not_reach_anthropic(self):
        plan = planned(self.BODY, path="messages", routing=self.ANTHROPIC)
        sent = orjson.loads(plan.body)
        assert [block["type"] for block in sent["messages"][1]["content"]] == ["tool_use"]
        assert "thinking" not in sent
        assert [change.name for change in plan.changes] == ["messages"]
        assert "switched off" in plan.warnings[0]

    def test_reaches_others(self):
        plan = planned(self.BODY, path="messages")
        assert (orjson.loads(plan.body), plan.changes) == (self.BODY, ())

    def test_that_anthropic_signed_leaves_the_bytes_alone(self):
        body = b'{"model":"m", "messages":[{"role":"assistant","content":[{"type":"thinking","signature":"Eq"}]}]}'
        assert planned(body, path="messages", routing=self.ANTHROPIC).body == body

    def test_that_is_only_spoken_of_leaves_the_bytes_alone(self):
        body = b'{"model":"m", "messages":[{"role":"user","content":"openai-responses-v1:"}]}'
        plan = planned(body, path="messages", routing=self.ANTHROPIC)
        assert (plan.body, plan.changes) == (body, ())


class TestTheUpstreamsOwnAdjustments:
    def test_come_last_and_are_told(self):
        routing = routing_of(bound("*", an_upstream(drop_params=("temperature",), set_params={"seed": 1})))
        plan = planned({"model": "m"}, routing=routing, sampling=rules(temperature=0.5))
        assert orjson.loads(plan.body) == {"model": "m", "seed": 1}
        assert plan.changes[1:] == (
            Change("temperature", 0.5, ABSENT, "upstream local: drop"),
            Change("seed", ABSENT, 1, "upstream local: set"),
        )

    def test_know_the_endpoint(self):
        routing = routing_of(bound("*", an_upstream(kind=Kind.VENICE)))
        plan = planned({"model": "m", "encoding_format": "base64"}, path="embeddings", routing=routing)
        assert orjson.loads(plan.body)["encoding_format"] == "float"


class TestAnyOtherPath:
    def test_goes_to_the_upstream_of_its_model(self):
        routing = routing_of(bound("glm", an_upstream("a")), bound("*", an_upstream("b")))
        assert passed({"model": "GLM"}, routing=routing).upstream.name == "a"

    @pytest.mark.parametrize("body", [{}, {"model": 5}, {"model": "unknown"}, b"", b"[1]", b"{no json"])
    def test_goes_to_the_catch_all_otherwise_byte_for_byte(self, body):
        routing = routing_of(bound("glm", an_upstream("a")), bound("*", an_upstream("b")))
        plan = passed(body, routing=routing)
        assert plan.upstream.name == "b"
        assert plan.body == (body if isinstance(body, bytes) else orjson.dumps(body))

    def test_needs_a_catch_all_when_it_names_no_model(self):
        with pytest.raises(EndpointNotFound):
            passed({}, routing=routing_of(bound("glm")))

    def test_keeps_method_url_and_the_clients_percent_signs(self):
        plan = passed(path="files/a/b", method="DELETE", encoded_path="files/a%2Fb", query=b"x=1")
        assert (plan.method, plan.url) == ("DELETE", "http://up/v1/files/a%2Fb?x=1")

    def test_lies_below_v1_when_the_client_wrote_it(self):
        assert passed(path="props", method="GET").url == "http://up/props"
        assert passed(path="props", method="GET", versioned=True).url == "http://up/v1/props"

    def test_has_no_dialect_and_does_not_echo(self):
        plan = passed({"model": "mine", "stream": True}, routing=renaming())
        assert (plan.dialect, plan.echo, plan.streams) == (None, None, False)

    def test_has_its_model_renamed(self):
        plan = passed({"model": "mine"}, routing=renaming())
        assert orjson.loads(plan.body) == {"model": "theirs"}
        assert (plan.model_asked, plan.model_sent) == ("mine", "theirs")

    def test_gets_no_model_that_it_did_not_name(self):
        plan = passed(b'{ "content": "x" }', path="tokenize", routing=renaming())
        assert plan.body == b'{ "content": "x" }'
        assert (plan.model_asked, plan.model_sent) == ("", "")

    def test_gets_the_upstreams_adjustments(self):
        plan = passed({"logprobs": 1, "x": 2}, routing=routing_of(bound("*", an_upstream(drop_params=("logprobs",)))))
        assert orjson.loads(plan.body) == {"x": 2}
        assert plan.changes == (Change("logprobs", 1, ABSENT, "upstream local: drop"),)

    @pytest.mark.parametrize("content_type", [b"audio/wav", b"multipart/form-data; boundary=x"])
    def test_is_not_looked_into_when_it_is_no_json(self, content_type):
        routing = routing_of(bound("*", an_upstream(set_params={"seed": 1})))
        body = b'{"model": "m"}'
        assert passed(body, routing=routing, headers=[(b"content-type", content_type)]).body == body

    @pytest.mark.parametrize("content_type", [b"application/json; charset=utf-8", b"Application/JSON"])
    def test_is_looked_into_when_it_says_json(self, content_type):
        routing = routing_of(bound("*", an_upstream(set_params={"seed": 1})))
        headers = [(b"x", b"y"), (b"content-type", content_type)]
        assert orjson.loads(passed({}, routing=routing, headers=headers).body) == {"seed": 1}
