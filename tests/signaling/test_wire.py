"""Scripts over one socket to a real Redis: whose answer is whose, and what happens when there is none."""

import asyncio

import pytest
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import ConnectionError, NoScriptError, ResponseError

from signaling.wire import ScriptRedis
from tests.cast import until
from tests.redis_server import RedisServer
from tests.signaling.ways import Dropping

ECHO = "return ARGV[1]"
LIBRARY = "#!lua name=echo\nredis.register_function('echo', function(keys, arguments) return arguments[1] end)"
FAIL = "return redis.error_reply('ODD on purpose')"
WAIT = """
local function now() local time = redis.call('TIME') return time[1] + time[2] / 1000000 end
local till = now() + 0.2
repeat until now() >= till
return 1
"""


@pytest.fixture
def redis():
    with RedisServer() as running:
        yield running


@pytest.fixture
async def client(redis):
    pool = BlockingConnectionPool.from_url(redis.url, protocol=2, socket_timeout=1, socket_connect_timeout=1)
    client = ScriptRedis(pool, patience=1)
    yield client
    await client.aclose()


class ScriptRedisTests:
    async def test_each_gets_the_answer_to_its_own_question(self, client):
        sha = await client.script_load(ECHO)

        answers = await asyncio.gather(*(client.evalsha(sha, 1, "key", str(number)) for number in range(500)))

        assert answers == [str(number).encode() for number in range(500)]

    async def test_all_go_over_one_socket(self, client, redis):
        sha = await client.script_load(ECHO)
        before = len(redis.command("CLIENT", "LIST").splitlines())

        await asyncio.gather(*(client.evalsha(sha, 0, "x") for _ in range(100)))

        assert len(redis.command("CLIENT", "LIST").splitlines()) == before + 1

    async def test_functions_go_the_same_way(self, client, redis):
        await client.function_load(LIBRARY)
        sha = await client.script_load(ECHO)
        before = len(redis.command("CLIENT", "LIST").splitlines())

        answers = await asyncio.gather(
            *(client.fcall("echo", 1, "key", str(number)) for number in range(100)), client.evalsha(sha, 0, "x")
        )

        assert answers == [*(str(number).encode() for number in range(100)), b"x"]
        assert len(redis.command("CLIENT", "LIST").splitlines()) == before + 1

    async def test_a_script_that_redis_does_not_know_is_said_to_be_unknown(self, client):
        with pytest.raises(NoScriptError):
            await client.evalsha("0" * 40, 0)
        with pytest.raises(ResponseError, match="Function not found"):
            await client.fcall("echo", 0)

    async def test_an_error_is_the_answer_to_its_own_question_only(self, client):
        echo, fail = await client.script_load(ECHO), await client.script_load(FAIL)

        first, second, third = await asyncio.gather(
            client.evalsha(echo, 0, "a"), client.evalsha(fail, 0), client.evalsha(echo, 0, "b"), return_exceptions=True
        )

        assert (first, third) == (b"a", b"b")
        assert isinstance(second, ResponseError)

    async def test_what_was_lost_with_its_socket_is_asked_again(self, client, redis):
        sha, wait = await client.script_load(ECHO), await client.script_load(WAIT)
        await client.evalsha(sha, 0, "x")

        asked = asyncio.gather(client.evalsha(wait, 0), *(client.evalsha(sha, 0, str(number)) for number in range(20)))
        await asyncio.sleep(0)
        client._socket._transport.abort()

        assert (await asked)[1:] == [str(number).encode() for number in range(20)]

    async def test_a_new_socket_that_is_lost_with_the_first_question_is_replaced(self, redis):
        """As behind a balancer whose Redis has just died."""
        async with Dropping(redis) as way:
            pool = BlockingConnectionPool.from_url(way.url, protocol=2, socket_timeout=1, socket_connect_timeout=1)
            client = ScriptRedis(pool, patience=1)

            with pytest.raises(NoScriptError):  # it was asked
                await client.evalsha("0" * 40, 0)

            await client.aclose()
            assert way.dropped == 1

    async def test_who_gives_up_leaves_the_others_their_answers(self, client):
        wait, echo = await client.script_load(WAIT), await client.script_load(ECHO)
        await client.evalsha(echo, 0, "x")
        first = asyncio.create_task(client.evalsha(wait, 0))
        given_up = asyncio.create_task(client.evalsha(echo, 0, "never heard"))
        last = asyncio.create_task(client.evalsha(echo, 0, "mine"))
        await asyncio.sleep(0)
        socket = client._socket

        given_up.cancel()

        assert await last == b"mine"
        assert await first == 1
        assert client._socket is socket and client._stands()

    async def test_a_redis_that_hangs_is_a_time_out_and_afterwards_all_is_well(self, client, redis):
        sha = await client.script_load(ECHO)
        await client.evalsha(sha, 0, "x")
        redis.freeze()

        answers = await asyncio.gather(*(client.evalsha(sha, 0, "x") for _ in range(3)), return_exceptions=True)
        assert {type(answer) for answer in answers} <= {TimeoutError, ConnectionError}
        redis.thaw()

        async with asyncio.timeout(10):
            assert await client.evalsha(sha, 0, "y") == b"y"

    async def test_each_waits_for_as_long_as_it_may(self, client):
        """The last of six, which take Redis 0.2 s each, waits for one second in vain; a seventh that was asked later does not."""
        wait, echo = await client.script_load(WAIT), await client.script_load(ECHO)
        await client.evalsha(echo, 0, "x")

        first = [asyncio.create_task(client.evalsha(wait, 0)) for _ in range(6)]
        await asyncio.sleep(0.8)
        later = asyncio.create_task(client.evalsha(echo, 0, "mine"))

        with pytest.raises(TimeoutError):
            await first[-1]
        assert not later.done()
        assert await later == b"mine"
        await asyncio.wait(first)

    async def test_what_is_over_is_watched_no_more(self, client, redis):
        wait, echo = await client.script_load(WAIT), await client.script_load(ECHO)
        await client.evalsha(echo, 0, "x")
        answered = asyncio.gather(client.evalsha(wait, 0), *(client.evalsha(echo, 0, "x") for _ in range(10)))
        given_up = asyncio.create_task(client.evalsha(echo, 0, "x"))
        await until(lambda: len(client._deadlines) == 12)

        given_up.cancel()
        await answered
        lost = asyncio.create_task(client.evalsha(wait, 0))
        await until(lambda: len(client._deadlines) == 1)
        client._socket._transport.abort()
        await lost
        redis.freeze()
        with pytest.raises(TimeoutError):
            await client.evalsha(echo, 0, "x")
        redis.thaw()

        assert len(client._deadlines) == 0

    async def test_a_redis_that_is_away_is_an_error_and_one_that_is_back_is_found(self, client, redis):
        sha = await client.script_load(ECHO)
        await client.evalsha(sha, 0, "x")
        redis.kill()
        await until(lambda: not client._stands())
        with pytest.raises(ConnectionError):
            await client.evalsha(sha, 0, "x")

        redis.start()

        with pytest.raises(NoScriptError):  # it came back empty
            await client.evalsha(sha, 0, "x")
