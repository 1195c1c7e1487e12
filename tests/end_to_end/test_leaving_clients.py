"""Clients that leave in every phase, one and two thousand: nothing is left of them, and the memory does not grow."""

import asyncio
import random
import socket
import struct
from dataclasses import dataclass

import pytest

from tests.end_to_end import phases
from tests.end_to_end.phases import CONNECTING, PAUSING, PHASES, QUEUED, Phase
from tests.end_to_end.proxy import eventually
from tests.end_to_end.upstream import PATIENCE, ScriptedUpstream

ROUNDS, CLIENTS = 5, 400  # of the rounds the first warms everything up
LONGEST_STAY = 0.5  # seconds
HALF_A_REQUEST = 20  # one in so many sends no more than that


@pytest.fixture(scope="module")
def scripted_upstream():
    """One to which no other proxy has connections."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def installation(new_installation):
    return new_installation(KEEPALIVE_SECONDS="0.05")


@pytest.fixture(scope="module")
def serving(installation, scripted_upstream):
    with installation.serve_watched(phases.config(scripted_upstream.url)) as proxy:
        yield proxy
    proxy.assert_no_complaints()


# One client


@pytest.fixture
def arriving(proxy):
    """Makes a client that has sent its request."""
    made = []

    def arrive(phase):
        made.append(socket.create_connection(("127.0.0.1", proxy.port), PATIENCE))
        made[-1].sendall(phase.request(proxy.port))
        return made[-1]

    yield arrive
    for connection in made:
        connection.close()


def read_until(connection, mark):
    received = b""
    while mark not in received:
        chunk = connection.recv(65536)
        assert chunk, f"the connection ended before {mark!r} came: {received!r}"
        received += chunk


@pytest.mark.parametrize("phase", PHASES, ids=str)
def test_a_client_that_leaves_in_any_phase_leaves_nothing_behind(proxy, installation, upstream, arriving, phase):
    upstream.answer(phases.script)
    before = [arriving(phase) for _ in range(2 if phase is QUEUED else 1 if phase is PAUSING else 0)]
    eventually(lambda: len(upstream.calls) == len(before), "those who keep the others waiting")
    tasks = proxy.status()["held"]["tasks"]
    client = arriving(phase)
    _arrive(proxy, upstream, client, phase)
    client.close()
    if phase.asks:
        for number in range(phase.asks):
            upstream.wait_for_call(number + 1).wait_until_closed()
    elif phase is CONNECTING:
        eventually(lambda: upstream.open_connections == 0, "the connection to be given up")
    row = eventually(lambda: _last_of(installation, phase.model), "the record")
    assert row["outcome"] == "client_gone"
    assert row["error"] == ""
    assert eventually(lambda: proxy.status()["held"]["tasks"] <= tasks, "the request's tasks to end")
    log = [line for line in proxy.log_since_mark().splitlines() if row["request_id"] in line]
    released = [line for line in log if f"Slot released {phase.model}" in line or "Slot released *" in line]
    acquired = [line for line in log if f"Slot acquired {phase.model}" in line or "Slot acquired *" in line]
    assert len(released) == len(acquired) <= 1


def _arrive(proxy, upstream, client, phase):
    """Returns when the client is in its phase."""
    if phase.mark:
        read_until(client, phase.mark)
        upstream.wait_for_call(phase.asks)
    elif phase in (QUEUED, PAUSING):
        eventually(lambda: proxy.status()["queued"] == 1, "the client to queue")
    elif phase is CONNECTING:
        eventually(lambda: upstream.open_connections == 1, "the connection to begin")
    else:
        upstream.wait_for_call()
        if phase is phases.REFUSED:
            eventually(lambda: "tried again after 200 s" in proxy.log_since_mark(), "the wait to begin")


def _last_of(installation, model):
    query = "SELECT * FROM routing_requestrecord WHERE model_asked = ? ORDER BY id DESC LIMIT 1"
    rows = installation.rows(query, model)
    return rows[0] if rows else None


# Many


@dataclass(frozen=True)
class Visit:
    phase: Phase
    comes: float
    stays: float
    reads: bool
    resets: bool
    sends: float  # how much of its request


def visits(chance: random.Random) -> list[Visit]:
    return [
        Visit(
            phase=chance.choice(PHASES),
            comes=chance.uniform(0, LONGEST_STAY),
            stays=chance.uniform(0, LONGEST_STAY),
            reads=chance.random() < 0.8,
            resets=chance.random() < 0.3,
            sends=chance.random() if chance.randrange(HALF_A_REQUEST) == 0 else 1.0,
        )
        for _ in range(CLIENTS)
    ]


async def pay(visit: Visit, port: int) -> None:
    await asyncio.sleep(visit.comes)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        request = visit.phase.request(port)
        writer.write(request[: int(len(request) * visit.sends)])
        async with asyncio.timeout(visit.stays):
            while await reader.read(65536) if visit.reads else await asyncio.sleep(LONGEST_STAY, True):
                pass
    except (TimeoutError, ConnectionError):
        pass
    finally:
        if visit.resets:
            linger_not = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        writer.transport.abort()


async def all_of(paid: list[Visit], port: int) -> None:
    async with asyncio.TaskGroup() as group:
        for visit in paid:
            group.create_task(pay(visit, port))


def test_two_thousand_clients_that_leave_at_random_leave_nothing_behind(proxy, installation, upstream):
    upstream.answer(phases.script)
    chance, curve, tasks = random.Random(20), [], proxy.status()["held"]["tasks"]
    for _ in range(ROUNDS):
        paid = visits(chance)
        asyncio.run(all_of(paid, proxy.port))
        proxy.wait_until_idle()
        eventually(lambda: upstream.open_connections == 0, "no connection to the upstream")
        eventually(lambda: proxy.status()["records_waiting"] == 0, "all records to be written")
        eventually(lambda: proxy.status()["held"]["tasks"] <= tasks, "all tasks to end")
        curve.append(proxy.status()["held"])
    assert proxy.status()["records_dropped"] == 0
    warm, last = curve[0], curve[-1]
    assert last["objects"] - warm["objects"] < CLIENTS * (ROUNDS - 1) / 2  # one for each client would be a leak
    assert last["peak"] < warm["peak"] * 1.1
    outcomes = installation.rows("SELECT outcome, COUNT(*) AS number FROM routing_requestrecord GROUP BY outcome")
    assert {row["outcome"] for row in outcomes} == {"client_gone"}
