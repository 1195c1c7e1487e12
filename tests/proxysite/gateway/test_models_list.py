import asyncio
import logging

import httpx
import orjson
import pytest

from proxysite import live
from proxysite.gateway import models_list
from proxysite.gateway.models_list import ModelsList, anthropic_entry, anthropic_list
from proxysite.live import LiveConfig
from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import RoutingTable, Target
from routing.upstream import Upstreams
from tests.proxysite.gateway.in_process import Gate, settled, until
from tests.snapshots import an_upstream, bound, unusable


class Servers:
    """Upstreams by host; each answers what it is given: a value, bytes, an exception, or a gate to wait at."""

    def __init__(self, **answers):
        self.answers = answers
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        await asyncio.sleep(0)
        said = self.answers[request.url.host]
        if isinstance(said, Gate):
            await said.wait()
            said = []
        if isinstance(said, Exception):
            raise said
        if isinstance(said, httpx.Response):
            return said
        content = said if isinstance(said, bytes) else orjson.dumps({"data": [{"id": name} for name in said]})
        return httpx.Response(200, content=content)

    @property
    def asked(self):
        return [request.url.host for request in self.requests]


def server(name, **fields):
    return an_upstream(name, base_url=f"http://{name}", **fields)


def config(*upstreams, bindings=()):
    return LiveConfig(routing=RoutingTable(upstreams=upstreams, bindings=tuple(bindings)))


def listed(servers, seconds=30.0):
    return ModelsList(Upstreams(httpx.MockTransport(servers)), seconds)


async def names(models, config, headers=()):
    return [entry["id"] for entry in await models.merged(config, list(headers))]


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        now = 1000.0

        @classmethod
        def monotonic(cls):
            return cls.now

    monkeypatch.setattr(models_list, "time", Clock)
    return Clock


class TestTheMergedList:
    async def test_has_upstreams_in_order_then_bound_names(self):
        servers = Servers(b=["b1", "b2"], a=["a1"])
        bindings = [bound("mine", server("a")), bound("glm-*", server("a")), bound("*", server("a"))]
        assert await names(listed(servers), config(server("b"), server("a"), bindings=bindings)) == [
            "b1", "b2", "a1", "mine",
        ]  # fmt: skip

    async def test_has_every_name_once_whatever_its_case(self):
        servers = Servers(a=["GLM-4", "glm-4", "x"], b=["X", "Glm-4", "y"])
        bindings = [bound("Y", server("a"))]
        assert await names(listed(servers), config(server("a"), server("b"), bindings=bindings)) == ["GLM-4", "x", "y"]

    async def test_leaves_out_what_is_bound_to_nothing_usable(self):
        """Neither a bound name nor what an upstream offers that would not be asked for it."""
        servers = Servers(a=["glm-5", "qwen"])
        table = config(server("a"), bindings=(unusable("glm-*"), unusable("mine"), bound("*", server("a"))))
        assert await names(listed(servers), table) == ["qwen"]

    async def test_says_of_a_bound_name_what_holds_for_the_model_behind_it(self):
        servers = Servers(a=b'{"data": [{"id": "Theirs", "max_model_len": 32768}]}')
        binding = bound("mine", Target(upstream=server("a"), model="theirs"))
        *_, entry = await listed(servers).merged(config(server("a"), bindings=[binding]), [])
        assert entry == {"id": "mine", "object": "model", "created": 0, "owned_by": "a", "max_model_len": 32768}

    async def test_says_of_a_bound_name_that_nobody_lists_that_it_is_ours(self):
        (entry,) = await listed(Servers(a=[])).merged(config(server("a"), bindings=[bound("mine", server("a"))]), [])
        assert entry == {"id": "mine", "object": "model", "created": 0, "owned_by": "sampling-proxy"}

    async def test_of_no_upstreams_is_empty(self):
        assert await names(listed(Servers()), config()) == []

    @pytest.mark.parametrize(
        "said",
        [
            b'{"models": [{"name": "m"}]}',
            b'[{"id": "m"}]',
            b'{"data": [{"id": "m"}, {"id": 5}, {}, "x", {"id": ""}]}',
        ],
    )
    async def test_understands_every_servers_form(self, said):
        assert await names(listed(Servers(a=said)), config(server("a"))) == ["m"]

    async def test_is_complete_even_if_one_is_down_or_answers_nonsense(self, caplog):
        caplog.set_level(logging.INFO)
        servers = Servers(
            down=httpx.ConnectError("refused"),
            html=b"<html>",
            odd=b'{"data": null}',
            number=b"5",
            busy=httpx.Response(503),
            huge=b'["' + b"x" * models_list.LIMIT + b'"]',
            good=["m"],
        )
        assert await names(listed(servers), config(*map(server, servers.answers))) == ["m"]
        assert caplog.text.count("could not be listed") == 6
        assert "it answered 503" in caplog.text
        assert "its list is larger than 8 MiB" in caplog.text

    async def test_does_not_wait_for_one_that_is_slow(self, monkeypatch):
        models = listed(Servers(slow=Gate(), good=["m"]))
        await names(models, config(server("good")))
        monkeypatch.setattr(models_list, "WAIT_SECONDS", 0)
        assert await names(models, config(server("slow"), server("good"))) == ["m"]


class TestHowOften:
    async def test_a_list_is_kept_for_a_while(self, clock):
        servers = Servers(a=["m"])
        models = listed(servers, seconds=30)
        for _ in range(3):
            assert await names(models, config(server("a"))) == ["m"]
            clock.now += 9
        assert servers.asked == ["a"]
        clock.now += 9
        servers.answers["a"] = ["n"]
        assert await names(models, config(server("a"))) == ["n"]

    async def test_one_that_does_not_answer_any_more_keeps_its_last_list(self, clock):
        servers = Servers(a=["m"])
        models = listed(servers)
        await names(models, config(server("a")))
        servers.answers["a"] = httpx.ConnectError("refused")
        clock.now += 31
        assert await names(models, config(server("a"))) == ["m"]

    @pytest.mark.parametrize("problem", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
    async def test_one_that_is_down_is_left_alone_for_five_seconds(self, clock, problem):
        servers = Servers(a=problem)
        models = listed(servers)
        for _ in range(3):
            assert await names(models, config(server("a"))) == []
        assert servers.asked == ["a"]
        clock.now += 5
        servers.answers["a"] = ["m"]
        assert await names(models, config(server("a"))) == ["m"]

    async def test_one_that_refused_a_clients_key_is_asked_with_the_next_ones(self, clock):
        servers = Servers(a=httpx.Response(401))
        models = listed(servers)
        await names(models, config(server("a")))
        servers.answers["a"] = ["m"]
        assert await names(models, config(server("a")), [(b"authorization", b"Bearer right")]) == ["m"]
        assert servers.requests[-1].headers["authorization"] == "Bearer right"

    async def test_an_upstream_that_moved_is_asked_anew(self, clock):
        servers = Servers(old=["m"], new=["n"])
        models = listed(servers)
        await names(models, config(an_upstream("a", base_url="http://old")))
        assert await names(models, config(an_upstream("a", base_url="http://new"))) == ["n"]


class TestAQuestion:
    async def test_is_shared_by_all_who_wait(self):
        gate = Gate()
        servers = Servers(a=gate)
        models = listed(servers)
        asking = [asyncio.get_running_loop().create_task(names(models, config(server("a")))) for _ in range(5)]
        await until(lambda: servers.requests)
        gate.set()
        assert await asyncio.gather(*asking) == [[]] * 5
        assert servers.asked == ["a"]

    async def test_is_not_stopped_by_a_client_that_leaves(self):
        gate = Gate()
        servers = Servers(a=gate)
        models = listed(servers)
        leaving, staying = (
            asyncio.get_running_loop().create_task(names(models, config(server("a")))) for _ in range(2)
        )
        await until(lambda: servers.requests)
        leaving.cancel()
        await asyncio.wait([leaving])
        gate.set()
        assert await staying == []
        assert models._ask_again_at

    async def test_is_stopped_with_the_engine(self):
        servers = Servers(a=Gate())
        models = listed(servers)
        waiting = asyncio.get_running_loop().create_task(names(models, config(server("a"))))
        await until(lambda: servers.requests)
        await models.aclose()
        assert await waiting == []
        await settled()
        assert models._asking == {}

    async def test_carries_what_identifies_the_client_and_nothing_else(self):
        servers = Servers(a=[])
        await names(listed(servers), config(server("a")), [(b"authorization", b"k"), (b"x-other", b"1")])
        (request,) = servers.requests
        assert request.headers["authorization"] == "k"
        assert "x-other" not in request.headers
        assert str(request.url) == "http://a/v1/models"

    async def test_to_an_upstream_of_messages_names_the_version(self):
        servers = Servers(a=[])
        await names(listed(servers), config(server("a", dialects=frozenset({Dialect.MESSAGES}))))
        assert servers.requests[0].headers["anthropic-version"] == "2023-06-01"


class TestTheKind:
    LIST = b'{"data": [{"id": "m", "owned_by": "vllm"}]}'

    @pytest.fixture
    def reloads(self, monkeypatch):
        made = []
        monkeypatch.setattr(live, "_detected_kinds", {})
        monkeypatch.setattr(live, "reload", lambda: made.append(1))
        return made

    async def test_of_an_upstream_that_nobody_named_is_learnt_from_its_list(self, reloads):
        await names(listed(Servers(a=self.LIST)), config(server("a", kind=Kind.AUTO)))
        assert live.detected_kind("a") is Kind.VLLM
        assert reloads == [1]

    async def test_that_is_known_stays(self, reloads):
        await names(listed(Servers(a=self.LIST)), config(server("a", kind=Kind.OTHER)))
        assert reloads == []

    async def test_that_no_list_gives_away_stays_open(self, reloads):
        await names(listed(Servers(a=["m"])), config(server("a", kind=Kind.AUTO)))
        assert live.detected_kind("a") is Kind.AUTO
        assert reloads == []


class TestAnthropicsForm:
    ENTRY = {"object": "model", "created": 86400, "owned_by": "a", "id": "m", "max_tokens": 5}

    def test_names_type_and_time(self):
        assert anthropic_entry(self.ENTRY) == {
            "type": "model", "display_name": "m", "created_at": "1970-01-02T00:00:00+00:00", "id": "m", "max_tokens": 5,
        }  # fmt: skip

    @pytest.mark.parametrize("created", [None, "soon", 10**30, float("nan"), {}])
    def test_has_some_time_whatever_the_server_said(self, created):
        assert anthropic_entry({**self.ENTRY, "created": created})["created_at"].startswith("1970-01-01")

    def test_is_one_page(self):
        page = anthropic_list([self.ENTRY, {**self.ENTRY, "id": "n"}])
        assert (page["first_id"], page["last_id"], page["has_more"]) == ("m", "n", False)

    def test_of_nothing_is_an_empty_page(self):
        assert anthropic_list([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


class TestATargetThatNamesAGlob:
    @staticmethod
    async def sent(models, wanted="claude", *targets):
        targets = targets or (Target(upstream=server("a"), model="*", picks=True),)
        binding = await models.picked(bound("*", *targets), wanted, [])
        return [target.sent_model for target in binding.targets]

    async def test_gets_the_first_model_or_the_wanted_one(self):
        models = listed(Servers(a=["Qwen3", "GLM"]))
        assert await self.sent(models) == ["Qwen3"]
        assert await self.sent(models, "glm") == ["GLM"]

    async def test_leaves_the_others_alone(self):
        names = Target(upstream=server("b"), model="named")
        picks = Target(upstream=server("a"), model="g*", picks=True)
        assert await self.sent(listed(Servers(a=["Qwen3", "GLM"])), "x", names, picks) == ["named", "GLM"]

    @pytest.mark.parametrize("said", [httpx.ConnectError("no"), httpx.Response(401), b"<html>", []])
    async def test_leaves_the_clients_name_where_the_server_has_no_list(self, said):
        assert await self.sent(listed(Servers(a=said))) == [""]

    async def test_asks_once_while_the_list_is_new(self):
        servers = Servers(a=["Qwen3"])
        models = listed(servers)
        await self.sent(models)
        await self.sent(models, "another")
        assert servers.asked == ["a"]

    async def test_does_not_wait_while_an_old_list_is_asked_for_again(self, clock):
        servers, gate = Servers(a=["Old"]), Gate()
        models = listed(servers)
        await self.sent(models)
        servers.answers["a"], clock.now = gate, clock.now + 31
        assert await self.sent(models) == ["Old"]
        servers.answers["a"] = ["New"]
        gate.set()
        await until(lambda: not models._asking)
        clock.now += 31
        await self.sent(models)
        await until(lambda: not models._asking)
        assert await self.sent(models) == ["New"]
