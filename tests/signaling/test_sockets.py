"""The protocol over real sockets, against the real server process with each of its WebSocket classes."""

import asyncio
import json
import random
import socket
import time
import urllib.error
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import websockets

from signaling import tokens
from tests.cast import until
from tests.server import Server
from tests.signaling.socket_client import Client

pytestmark = pytest.mark.server

_codes = (f"socket-test-{number}" for number in count())


@pytest.fixture
def code():
    """A room of its own for each test."""
    return next(_codes)


async def logged(server, url: str, code: str) -> None:
    """Waits until all that has happened so far stands in the log."""
    async with await Client.join(url, code) as marker:
        pass
    await until(lambda: f"peer={marker.peer}" in server.log)


# uvicorn's own class is there for where ours does not do.
@pytest.fixture(scope="module", params=["fast", "sansio"])
def websocket(request):
    return request.param


@pytest.fixture(scope="module")
def server(websocket):
    with Server(JOINS_PER_MINUTE=6000, SIGNALING_WEBSOCKET=websocket) as running:
        yield running


@pytest.fixture
def make_server(make_server, websocket):
    return lambda **env: make_server(SIGNALING_WEBSOCKET=websocket, **env)


@pytest.fixture(scope="module")
def url(server):
    return server.ws_url


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


class HandshakeTests:
    async def test_our_subprotocol_is_selected_among_others(self, url):
        async with await Client.open(url, subprotocols=("chat", "gruveo.v1")) as alice:
            assert alice.socket.subprotocol == "gruveo.v1"

    @pytest.mark.parametrize("subprotocols", [("gruveo.v9",), ("gruveo.v0", "chat"), ()])
    async def test_another_version_is_told_what_is_supported(self, url, subprotocols):
        async with await Client.open(url, subprotocols=subprotocols) as alice:
            error = await alice.hear("error")

            assert (error["code"], error["supported"]) == ("unsupported-version", ["gruveo.v1"])
            assert await alice.close_code() == 4001

    async def test_a_page_of_the_site_is_let_in(self, server, url):
        async with await Client.open(url, origin=server.url) as alice:
            await alice.send("hello", code="origin")
            assert await alice.hear("welcome")

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://localhost", "http://127.0.0.1.evil.example:8000", ""]
    )
    async def test_foreign_pages_are_refused_before_the_upgrade(self, url, origin):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await Client.open(url, additional_headers={"Origin": origin})

        assert refusal.value.response.status_code == 403

    def test_plain_http_is_no_socket(self, server):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            server.get("/signaling")

        with refusal.value as answer:
            assert answer.code == 404

    async def test_a_socket_at_any_other_address_is_refused_and_its_path_stays_out_of_the_log(self, server, url, code):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await Client.open(url.replace("/signaling", "/marked-path-7f3a"))

        assert refusal.value.response.status_code == 403
        await logged(server, url, code)
        assert "marked-path-7f3a" not in server.log

    async def test_nothing_is_compressed(self, url):
        async with websockets.connect(url, subprotocols=["gruveo.v1"]) as offered:
            assert "Sec-WebSocket-Extensions" not in offered.response.headers


class HelloTests:
    async def test_two_who_type_the_same_code_differently_meet(self, url, code):
        async with await Client.join(url, f"  {code.upper()} ") as alice, await Client.join(url, code) as bob:
            assert [member["peer"] for member in bob.welcome["members"]] == [alice.peer]
            assert bob.welcome["stamp"] > alice.welcome["stamp"]
            assert (await alice.hear())["member"]["peer"] == bob.peer

    async def test_welcome_tells_all_that_the_paper_says(self, url, code):
        async with await Client.join(url, code, state={"name": "Alice"}) as alice:
            assert alice.welcome.keys() == {
                "type", "version", "peer", "stamp", "resumed", "capacity", "locked", "revision", "members", "token",
                "token_lifetime", "ice_servers", "ice_lifetime", "features", "limits",
            }  # fmt: skip
            assert alice.welcome["capacity"] == 6
            assert len(alice.peer) == 16

    @pytest.mark.parametrize(
        ("typed", "hint"),
        [
            ("", "empty"),
            ("a/b", "characters"),
            (".hidden", "dots"),
            ("x" * 65, "too-long"),
            ("index.php", "file"),
            ("Blog", "taken"),
        ],
    )
    async def test_a_bad_code_is_refused_with_a_hint(self, url, typed, hint):
        async with await Client.open(url) as alice:
            await alice.send("hello", code=typed)
            error = await alice.hear()

            assert (error["type"], error["code"], error["hint"]) == ("error", "bad-code", hint)
            assert await alice.close_code() == 4004

    @pytest.mark.parametrize(
        "text", ['{"type": "ping"}', "rubbish", '{"type": "hello"}', '{"type": "leave"}', b"\x00\x01", "[]"]
    )
    async def test_anything_else_first_is_refused(self, url, text):
        async with await Client.open(url) as alice:
            await alice.send_text(text)

            assert await alice.refusal() == "hello-expected"
            assert await alice.close_code() == 4003

    async def test_a_second_hello_is_refused_and_the_session_goes_on(self, url, code):
        async with await Client.join(url, code) as alice:
            await alice.send("hello", code=code)
            assert await alice.refusal() == "bad-message"

            await alice.send("ping", id=3)
            assert await alice.hear() == {"type": "pong", "id": 3}

    async def test_many_at_the_same_moment_make_one_room_with_one_order(self, url, code):
        clients = await asyncio.gather(*(Client.join(url, code) for _ in range(6)))
        ordered = sorted(clients, key=lambda client: client.welcome["stamp"])

        for place, client in enumerate(ordered):
            assert {member["peer"] for member in client.welcome["members"]} == {
                earlier.peer for earlier in ordered[:place]
            }
        for client in clients:
            await client.socket.close()


class RoomFullTests:
    async def test_the_one_who_finds_a_room_full_is_told_so_and_the_others_hear_nothing(self, make_server, code):
        url = make_server(ROOM_CAPACITY=2).ws_url
        async with (
            await Client.join(url, code) as alice,
            await Client.join(url, code) as bob,
            await Client.open(url) as charlie,
        ):
            await alice.hear("joined")
            await charlie.send("hello", code=code)

            assert await charlie.refusal() == "room-full"
            assert await charlie.close_code() == 4005
            await alice.send("ping")
            assert (await alice.hear())["type"] == "pong"
            await bob.socket.close()
            await alice.hear("left")
            async with await Client.join(url, code) as dave:
                assert dave.welcome["members"][0]["peer"] == alice.peer


class RelayTests:
    async def test_signals_arrive_once_in_order_and_unchanged(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            text = '{"description" : {"sdp":"v=0\\r\\n \\u00e4 ä 🎥","n":1.50e+1}, "x":[ ]}'
            for seq in range(1, 101):
                await bob.send_text(
                    f'{{"type":"signal","to":"{alice.peer}","stream":"q","seq":{seq},"ack":0,"body":{text}}}'
                )

            await alice.hear("joined")
            heard = [await alice.socket.recv() for _ in range(100)]

            for seq, message in enumerate(heard, 1):
                assert (
                    message == f'{{"type":"signal","from":"{bob.peer}","stream":"q","seq":{seq},"ack":0,"body":{text}}}'
                )

    async def test_an_ack_arrives_with_its_sender(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            await bob.send("ack", to=alice.peer, stream="q", ack=7)

            assert await alice.hear("ack") == {"type": "ack", "from": bob.peer, "stream": "q", "ack": 7}

    async def test_a_signal_to_a_stranger_is_refused_and_the_socket_stays(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code + "x") as mallory:
            await mallory.signal(alice.peer)
            error = await mallory.hear()

            assert (error["code"], error["to"], error["about"]) == ("unknown-peer", alice.peer, "signal")
            await alice.send("ping", id=1)
            assert (await alice.hear())["type"] == "pong"

    async def test_messages_of_many_rooms_do_not_mix(self, url, code):
        async def pair(number: int) -> None:
            room = f"{code}-{number}"
            async with await Client.join(url, room) as alice, await Client.join(url, room) as bob:
                for seq in range(1, 21):
                    await bob.signal(alice.peer, seq, body=f"{room} {seq}")
                for seq in range(1, 21):
                    message = await alice.hear("signal")
                    assert (message["from"], message["body"]) == (bob.peer, f"{room} {seq}")

        await asyncio.gather(*(pair(number) for number in range(10)))


class StateTests:
    async def test_the_others_see_what_changed_and_newcomers_see_it_too(self, url, code):
        async with (
            await Client.join(url, code, state={"name": "Alice", "camera": True}) as alice,
            await Client.join(url, code) as bob,
        ):
            await alice.hear("joined")
            await alice.send("state", muted=True)

            state = {"name": "Alice", "muted": True, "camera": True, "sharing": False, "hand": False}
            assert await bob.hear("state") == {"type": "state", "revision": 3, "peer": alice.peer, "state": state}
            async with await Client.join(url, code) as charlie:
                assert charlie.welcome["members"][0]["state"] == state

    async def test_a_locked_room_refuses_and_everybody_knows_it(self, url, code):
        async with (
            await Client.join(url, code) as alice,
            await Client.join(url, code) as bob,
            await Client.open(url) as charlie,
        ):
            await alice.send("lock", locked=True)
            for client in (alice, bob):
                assert await client.hear("lock") == {"type": "lock", "revision": 3, "locked": True, "peer": alice.peer}

            await charlie.send("hello", code=code)
            assert await charlie.refusal() == "locked"
            assert await charlie.close_code() == 4006

    async def test_the_whole_list_can_be_asked_for(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            await alice.send("members")
            listed = await alice.hear("members")

            assert (listed["revision"], listed["locked"], [member["peer"] for member in listed["members"]]) == (
                2,
                False,
                [bob.peer],
            )


class ReportTests:
    @pytest.mark.parametrize("path", ["direct", "relayed"])
    async def test_a_report_is_taken_and_told_to_nobody(self, url, code, path):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            assert "report" in bob.welcome["features"]
            await bob.send("report", path=path)
            await bob.signal(alice.peer)

            assert [(await alice.hear())["type"] for _ in range(2)] == ["joined", "signal"]
            await bob.send("ping", id=7)
            assert await bob.hear() == {"type": "pong", "id": 7}

    async def test_a_path_that_is_none_is_refused_and_the_socket_stays(self, url, code):
        async with await Client.join(url, code) as alice:
            await alice.send("report", path="tunnel")
            error = await alice.hear()

            assert (error["code"], error["about"]) == ("bad-message", "report")
            await alice.send("report", path="direct")
            await alice.send("ping", id=8)
            assert (await alice.hear())["id"] == 8

    async def test_before_the_welcome_a_hello_is_expected(self, url):
        async with await Client.open(url) as alice:
            await alice.send("report", path="direct")

            assert await alice.refusal() == "hello-expected"


class EndTests:
    async def test_leave_is_told_and_answered_with_1000(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            await bob.send("leave")

            assert await alice.hear("left") == {"type": "left", "revision": 3, "peer": bob.peer, "reason": "hung-up"}
            assert await bob.close_code() == 1000

    @pytest.mark.parametrize("close_code", [1000, 1001])
    async def test_a_page_that_goes_away_has_left(self, url, code, close_code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            await bob.socket.close(close_code)

            assert (await alice.hear("left"))["reason"] == "hung-up"

    async def test_a_lost_socket_is_away_and_comes_back_as_the_same_member(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            bob.vanish()
            assert (await alice.hear("away"))["peer"] == bob.peer

            async with await Client.open(url) as again:
                await again.send("hello", resume=bob.welcome["token"])
                welcome = await again.hear("welcome")

                assert (welcome["resumed"], welcome["peer"], welcome["stamp"]) == (True, bob.peer, bob.welcome["stamp"])
                assert (await alice.hear("back"))["peer"] == bob.peer
                await again.signal(alice.peer, 1)
                assert (await alice.hear("signal"))["from"] == bob.peer

    async def test_who_does_not_come_back_is_lost(self, make_server, code):
        url = make_server(PLACE_SECONDS=0.3).ws_url
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            bob.vanish()
            await alice.hear("away")

            assert await alice.hear() == {"type": "left", "revision": 4, "peer": bob.peer, "reason": "lost"}

    async def test_the_newest_socket_wins(self, url, code):
        async with await Client.join(url, code) as old, await Client.open(url) as new:
            await new.send("hello", resume=old.welcome["token"])
            assert (await new.hear("welcome"))["peer"] == old.peer

            assert await old.refusal() == "superseded"
            assert await old.close_code() == 4010
            await new.send("ping", id=1)
            assert (await new.hear())["type"] == "pong"

    async def test_a_reloaded_page_replaces_its_older_self_in_a_locked_room(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            await alice.send("lock", locked=True)
            await alice.hear("lock")
            bob.vanish()
            await alice.hear("away")

            async with await Client.join(url, code, replaces=bob.welcome["token"]) as reloaded:
                assert (await alice.hear("left"))["reason"] == "removed"
                assert (await alice.hear("joined"))["member"]["peer"] == reloaded.peer

    async def test_who_has_left_cannot_resume(self, url, code):
        async with await Client.join(url, code) as alice, await Client.open(url) as again:
            await alice.send("leave")
            await alice.close_code()
            await again.send("hello", resume=alice.welcome["token"])

            assert await again.refusal() == "gone"
            assert await again.close_code() == 4011

    async def test_the_first_of_two_keys_signs_and_both_are_accepted(self, make_server, code):
        first, second = "the-first-key-of-the-tests-012345", "the-second-key-of-the-tests-01234"
        url = make_server(SIGNALING_KEYS=f"{first},{second}").ws_url
        async with await Client.join(url, code) as alice, await Client.open(url) as again:
            token = tokens.read(alice.welcome["token"], keys=[first], lifetime=3600, now=time.time())
            await again.send("hello", resume=tokens.sign(token, key=second))

            assert (await again.hear("welcome"))["peer"] == alice.peer

    @pytest.mark.parametrize("token", ["x", "x.y", "é", "W10.AAAA"])
    async def test_a_made_up_token_is_refused(self, url, token):
        async with await Client.open(url) as mallory:
            await mallory.send("hello", resume=token)

            assert await mallory.refusal() == "bad-token"
            assert await mallory.close_code() == 4012


class SilenceTests:
    async def test_no_hello_in_time_and_no_word_for_too_long_are_closed(self, make_server, code):
        url = make_server(HELLO_SECONDS=2, SILENCE_SECONDS=0.6).ws_url
        async with await Client.open(url) as charlie, await Client.join(url, code) as alice:
            assert await charlie.refusal() == "hello-timeout"
            assert await charlie.close_code() == 4002
            assert await alice.refusal() == "silent"
            assert await alice.close_code() == 4014


class RenewalTests:
    async def test_fresh_ice_servers_come_at_half_of_their_lifetime(self, make_server, code):
        url = make_server(
            TURN_SERVERS="turn.example.org", TURN_SECRETS="s3cr3t-of-the-relays-0123456789-abc", TURN_TTL=1
        ).ws_url
        async with await Client.join(url, code) as alice:
            first = alice.welcome["ice_servers"][0]
            assert alice.welcome["ice_lifetime"] == 1
            assert alice.peer not in first["username"]

            fresh = await alice.hear("ice")

            assert fresh["ice_lifetime"] == 1
            assert fresh["ice_servers"][0]["username"].partition(":")[2] == first["username"].partition(":")[2]

    async def test_people_of_one_room_are_given_the_same_relays_and_rooms_are_spread(self, make_server, code):
        relays = ",".join(f"turn{number}.example.org" for number in range(9))
        url = make_server(TURN_SERVERS=relays, TURN_SECRETS="s3cr3t-of-the-relays-0123456789-abc").ws_url
        given = {}
        for room in (f"{code}-{number}" for number in range(8)):
            async with await Client.join(url, room) as alice, await Client.join(url, room) as bob:
                (first,), (second,) = alice.welcome["ice_servers"], bob.welcome["ice_servers"]
                assert first["urls"] == second["urls"]
                assert first["username"].partition(":")[2] != second["username"].partition(":")[2]
                given[room] = tuple(first["urls"])

        assert len(set(given.values())) > 1

    async def test_relays_are_of_the_region_that_the_client_or_else_the_edge_names(self, make_server, code):
        server = make_server(
            TURN_SERVERS="eu=turn-eu.example.org;us=turn-us.example.org",
            TURN_DEFAULT_REGION="eu",
            TURN_SECRETS="s3cr3t-of-the-relays-0123456789-abc",
            TURN_REGION_HEADER="X-Region",
        )
        for edge, choice, relay in (
            ("us", None, "turn-us"),
            ("mars", None, "turn-eu"),
            ("", None, "turn-eu"),
            ("eu", "us", "turn-us"),
            ("us", "mars", "turn-eu"),
            ("us", "", "turn-us"),
        ):
            headers, chosen = {"x-region": edge} if edge else {}, {} if choice is None else {"region": choice}
            async with await Client.open(server.ws_url, additional_headers=headers) as alice:
                await alice.send("hello", code=code, **chosen)
                assert relay in (await alice.hear("welcome"))["ice_servers"][0]["urls"][0]

    async def test_a_pong_brings_a_fresh_token_and_an_old_one_ends(self, make_server, code):
        url = make_server(TOKEN_SECONDS=2).ws_url
        async with await Client.join(url, code) as alice:
            old = fresh = alice.welcome["token"]
            while fresh == old:
                await alice.send("ping")
                fresh = (await alice.hear("pong")).get("token", old)
                await asyncio.sleep(0.05)  # the server's clock has to go on
            async with await Client.open(url) as again:
                await again.send("hello", resume=fresh)
                assert (await again.hear("welcome"))["peer"] == alice.peer
            refusals = []
            while "bad-token" not in refusals:
                async with await Client.open(url) as late:
                    await late.send("hello", resume=old)
                    refusals.append((await late.hear()).get("code"))
                    await asyncio.sleep(0.2)


class LimitTests:
    async def test_a_flood_is_limited_then_closed(self, make_server, code):
        url = make_server(MESSAGES_PER_SECOND=1).ws_url
        async with await Client.join(url, code) as mallory:
            for _ in range(600):
                await mallory.send("lock", locked=False)

            error = await mallory.hear("error")
            assert error["code"] == "rate-limited" and error["retry_after"] > 0
            assert await mallory.close_code() == 4015

    async def test_joins_of_one_address_are_limited_and_resumes_are_not(self, make_server, code):
        url = make_server(JOINS_PER_MINUTE=2).ws_url
        async with (
            await Client.join(url, code) as alice,
            await Client.join(url, code) as bob,
            await Client.open(url) as charlie,
        ):
            await charlie.send("hello", code=code)
            error = await charlie.hear("error")
            assert (error["code"], 1 <= error["retry_after"] <= 30) == ("too-many-joins", True)
            assert await charlie.close_code() == 4008

            bob.vanish()
            await alice.hear("away")
            async with await Client.open(url) as again:
                await again.send("hello", resume=bob.welcome["token"])
                assert (await again.hear("welcome"))["resumed"] is True

    async def test_sockets_of_one_address_are_limited_and_closed_ones_count_no_more(self, make_server, code):
        url = make_server(SOCKETS_PER_ADDRESS=2).ws_url
        async with await Client.join(url, code) as alice:
            async with await Client.join(url, code), await Client.open(url) as charlie:
                assert await charlie.refusal() == "too-many-sockets"
                assert await charlie.close_code() == 4016
            await alice.hear("left")
            async with await Client.join(url, code) as dave:
                assert dave.welcome["members"][0]["peer"] == alice.peer

    async def test_behind_a_proxy_both_are_counted_by_the_address_that_it_has_seen(self, make_server, code):
        """The last entry; what stands before it is what the client says."""
        url = make_server(SOCKETS_PER_ADDRESS=2, JOINS_PER_MINUTE=1, TRUSTED_PROXIES=1).ws_url

        async def come(*addresses: str) -> Client:
            return await Client.open(url, additional_headers={"X-Forwarded-For": ", ".join(addresses)})

        async with (
            await come("192.0.2.1", "192.0.2.2") as alice,
            await come("192.0.2.4", "192.0.2.2") as again,
            await come("192.0.2.1", "192.0.2.3") as bob,
        ):
            for one in (alice, bob):
                await one.send("hello", code=code)
                await one.hear("welcome")
            async with await come("192.0.2.5", "192.0.2.2") as more:
                assert await more.refusal() == "too-many-sockets"
            await again.send("hello", code=code)
            assert await again.refusal() == "too-many-joins"

    async def test_a_message_that_is_too_big_is_closed_with_1009(self, url, code):
        async with await Client.join(url, code) as alice:
            await alice.send_text(json.dumps({"type": "ping", "padding": "x" * 65_536}))

            assert await alice.close_code() == 1009

    async def test_the_biggest_message_goes_through(self, url, code):
        async with await Client.join(url, code) as alice, await Client.join(url, code) as bob:
            frame = json.dumps({"type": "signal", "to": alice.peer, "stream": "q", "seq": 1, "body": ""})
            body = "x" * (65_536 - len(frame))
            await bob.signal(alice.peer, 1, body=body)

            assert (await alice.hear("signal"))["body"] == body


class HostileTests:
    async def test_malformed_frames_get_their_error_and_leave_no_traceback(self, server, url, code):
        before = len(server.log)
        seed = random.randrange(10**9)
        print("seed", seed)
        chance = random.Random(seed)
        rubbish = [
            "",
            "{",
            "[" * 30_000,
            '{"type":[]}',
            '{"type":"ping","id":1e999}',
            '{"type":"nope"}',
            '{"type":"knock"}',
            b"\xff\xfe",
        ]
        async with await Client.join(url, code) as mallory, await Client.join(url, code) as alice:
            await mallory.hear("joined")
            for _ in range(100):
                await mallory.send_text(chance.choice(rubbish))
                error = await mallory.hear()
                assert error["code"] in {"bad-message", "unknown-type", "not-supported", "rate-limited"}, f"seed {seed}"
            await alice.signal(mallory.peer, 1)
            assert (await mallory.hear("signal"))["from"] == alice.peer

        await logged(server, url, code)
        assert "Traceback" not in server.log[before:]

    async def test_invalid_utf_8_is_closed_with_1007_and_leaves_no_traceback(self, server, url, code):
        before = len(server.log)
        async with await Client.join(url, code) as mallory:
            await mallory.socket.send(b"\xff\xff", text=True)

            assert await mallory.close_code() == 1007
        await logged(server, url, code)
        assert "Traceback" not in server.log[before:]

    def test_the_pings_of_whoever_reads_nothing_are_not_kept(self, server, url, code):
        """A client of bytes: the upgrade, then ping frames of 125 bytes, and never a read."""
        with socket.create_connection(("127.0.0.1", server.port)) as deaf:
            deaf.sendall(
                b"GET /signaling HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: gruveo.v1\r\n\r\n"
            )
            deaf.settimeout(10)
            assert deaf.recv(1000).startswith(b"HTTP/1.1 101 ")
            pings = (b"\x89\xfd" + bytes(4) + b"x" * 125) * 1000

            before = resident_kib(server.pid)
            with suppress(ConnectionError):  # one class cuts it off, the other answers many pings with one pong
                for _ in range(200):  # 26 MB, were they all kept
                    deaf.sendall(pings)
            assert resident_kib(server.pid) - before < 10_000

    async def test_half_an_upgrade_and_a_socket_that_says_nothing_trouble_nobody(self, server, url, code):
        with (
            socket.create_connection(("127.0.0.1", server.port)) as half,
            socket.create_connection(("127.0.0.1", server.port)),
        ):
            half.sendall(b"GET /signaling HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n")
            async with await Client.join(url, code) as alice:
                await alice.send("ping", id=1)
                assert (await alice.hear())["type"] == "pong"

    async def test_the_log_knows_rooms_and_peers_but_no_code(self, server, url, code):
        async with await Client.join(url, "marked-code-7f3a", state={"name": "marked-name-7f3a"}) as alice:
            await alice.send_text("marked-rubbish-7f3a")
            await alice.refusal()

        await logged(server, url, code)
        assert f"peer={alice.peer}" in server.log
        assert "marked-" not in server.log
