"""
Asks a relay for what browsers will ask of it: a real allocation, over UDP, TCP or TLS.

That a port is open shows only that a process lives. So this allocates, lets a socket of its own talk through the relayed address, and asks
for permissions that a relay must refuse. The TURN messages are aioice's; its protocol classes are not documented, and so it is pinned to
one version in pyproject.toml.
"""

import asyncio
import functools
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_address
from typing import NamedTuple

from aioice import stun, turn

from turnauth import credentials, findings
from turnauth.findings import Finding, good, known
from turnauth.targets import Target, is_public

_LIFETIME = 300  # of the credentials that every relay must take
_AHEAD = (2 * 3600, 26 * 3600, 400 * 86400)  # those that a relay takes whose clock is ahead by hours, a day, a year
_EXPIRED = -60
_RESEND_SECONDS = 0.25
_PORTS = 3  # that are tried where the relay takes one for somebody else's
_KNOCKS = 8  # connections begun at once; coturn's queue for new ones is short, and a full one costs seconds
# Doors into the operator's own network: what they open belongs to a relay's operator, never to its users.
FORBIDDEN_PEERS = (
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1",  # private networks, and those of providers
    "169.254.169.254",  # the metadata of a cloud machine, its credentials among them
    "224.0.0.1", "255.255.255.255",  # one packet in, a thousand out
    "fd00::1", "fe80::1", "::ffff:10.0.0.1",
)  # fmt: skip


class Refused(Exception):
    """The relay answered with an error; `code` is that of RFC 8656 section 19."""

    def __init__(self, code: int, *, realm: str | None = None) -> None:
        super().__init__(f"the relay answers {code}")
        self.code = code
        self.realm = realm


class Access(NamedTuple):
    """How to come to a relay: with which secret, how long to wait for an answer (seconds), and whom certificates are from."""

    secret: str
    patience: float = 5.0
    authorities: str | None = None  # a file; without one those of this machine

    def login(self, lifetime: int = _LIFETIME) -> credentials.Credentials:
        """Of a user that nobody was before, so that no quota counts what an earlier check has left."""
        user = f"turn-check-{os.urandom(6).hex()}"
        return credentials.sign(user, secret=self.secret, expires=int(time.time()) + lifetime)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authorities)


class _Ears:
    """What aioice keeps to itself: a port that refuses, and an error that bears no signature."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unsigned: int | None = None
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr) -> None:
        with suppress(ValueError):
            message = stun.parse_message(data)
            if self.integrity_key:  # before, an error is the question for credentials
                self.unsigned = message.error_code or self.unsigned
            if message.message_method == stun.Method.DATA:
                self.heard.put_nowait((message.attributes["DATA"], message.attributes["XOR-PEER-ADDRESS"]))
        super().datagram_received(data, addr)

    def error_received(self, error: Exception) -> None:
        self._break(error)

    def connection_lost(self, error: Exception | None) -> None:
        self._break(error or ConnectionResetError("closed by the relay"))
        super().connection_lost(error)

    def _break(self, error: Exception) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)
            self.broken.exception()  # it is no mistake if nobody waits for it


class _Udp(_Ears, turn.TurnClientUdpProtocol):
    pass


class _Stream(_Ears, turn.TurnClientTcpProtocol):
    pass


class Allocation:
    """One allocation, or an attempt at one; `relayed` and `mapped` are addresses once it is made."""

    def __init__(self, protocol: _Ears, patience: float) -> None:
        self._protocol = protocol
        self._patience = patience

    @property
    def relayed(self) -> tuple[str, int]:
        return self._protocol.relayed_address

    @property
    def mapped(self) -> tuple[str, int]:
        return self._protocol.mapped_address

    @property
    def realm(self) -> str:
        return self._protocol.realm

    async def make(self) -> None:
        await self._answer(self._protocol.connect())

    async def permit(self, peer: str) -> None:
        await self._answer(self._protocol.request_with_retry(_request("CREATE_PERMISSION", peer)))

    async def refresh(self) -> None:
        request = stun.Message(stun.Method.REFRESH, stun.Class.REQUEST, attributes={"LIFETIME": 600})
        await self._answer(self._protocol.request_with_retry(request))

    async def hear(self) -> tuple[bytes, tuple[str, int]]:
        return await self._protocol.heard.get()

    def say(self, data: bytes, peer: tuple[str, int]) -> None:
        attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        self._protocol.send_stun(stun.Message(stun.Method.SEND, stun.Class.INDICATION, attributes=attributes), peer)

    async def close(self) -> None:
        if self._protocol.relayed_address:
            with suppress(OSError, Refused, TimeoutError):
                await self._answer(self._protocol.delete())
        self._protocol.transport.abort()  # a TLS relay may never answer a polite end
        await asyncio.wait({self._protocol.broken})

    async def _answer(self, question) -> None:
        """
        Raises:
            Refused: the relay answered with an error, signed or not.
            OSError: nothing is at this port. TimeoutError: nothing came back in time.
        """
        task = asyncio.ensure_future(question)
        try:
            await asyncio.wait(
                {task, self._protocol.broken}, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            is_done = task.done()
            task.cancel()
        if not is_done:
            with suppress(asyncio.CancelledError, Exception):
                await task
            self._complain()
        try:
            task.result()
        except stun.TransactionFailed as error:
            raise Refused(error.response.error_code, realm=error.response.attributes.get("REALM")) from error
        except stun.TransactionTimeout:
            self._complain()

    def _complain(self) -> None:
        if self._protocol.broken.done():
            raise self._protocol.broken.exception()
        if self._protocol.unsigned:
            raise Refused(self._protocol.unsigned)
        raise TimeoutError


def _request(method: str, peer: str) -> stun.Message:
    return stun.Message(stun.Method[method], stun.Class.REQUEST, attributes={"XOR-PEER-ADDRESS": (peer, 9)})


@asynccontextmanager
async def visit(
    target: Target, login: tuple[str, str] | None, *, patience: float, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Allocation]:
    """Speaks to a relay with this username and password, or with none; what was allocated ends with the block."""
    username, password = login or (None, None)

    def protocol(kind: type) -> Callable[[], _Ears]:
        address = (target.host, target.port)
        return lambda: kind(address, username=username, password=password, lifetime=600, channel_refresh_time=500)

    loop = asyncio.get_running_loop()
    async with asyncio.timeout(patience):
        if target.transport == "udp":
            _, made = await loop.create_datagram_endpoint(protocol(_Udp), remote_addr=(target.host, target.port))
        else:
            _, made = await loop.create_connection(
                protocol(_Stream), target.host, target.port, ssl=tls if target.transport == "tls" else None
            )
    allocation = Allocation(made, patience)
    try:
        yield allocation
    finally:
        await allocation.close()


@asynccontextmanager
async def allocated(
    target: Target, login: tuple[str, str], *, patience: float, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Allocation]:
    """
    As `visit`, with an allocation that is made. From another port, and once more, where the relay still remembers somebody at ours (437).

    Raises:
        Refused: it makes none. OSError, TimeoutError: it could not be asked.

    Source: RFC 8656 section 7.4.
    """
    for ports_left in reversed(range(_PORTS)):
        async with visit(target, login, patience=patience, tls=tls) as allocation:
            try:
                await allocation.make()
            except Refused as refused:
                if refused.code == 437 and ports_left:
                    continue
                raise
            yield allocation
            return


async def admits(target: Target, access: Access, *, lifetime: int = _LIFETIME) -> bool:
    """
    Whether the relay makes an allocation for credentials of this secret that expire in so many seconds; what health and rotation go by.

    Raises:
        Refused: with another error than 401. OSError, TimeoutError: it could not be asked.
    """
    try:
        # The name in the certificate is check's to judge; here it would hide what is asked.
        async with allocated(target, access.login(lifetime), patience=access.patience, tls=_any_certificate()):
            return True
    except Refused as refused:
        if refused.code != 401:
            raise
        return False


async def check(target: Target, access: Access, *, wanted: int = 0) -> list[Finding]:
    """
    Everything that can be said about one URI, in the order in which a browser would meet it; no error of the network is raised.

    `wanted` is how many allocations one user shall get at once; 0 asks for no more than the checks need.
    """
    found: list[Finding] = []
    try:
        if target.transport == "tls":
            found.append(await _certificate(target, access))
        found.append(await _login(target, access))
        found += await _secret(target, access)
        if ("secret", findings.OK) in [(finding.check, finding.state) for finding in found]:
            found += await _relay(target, access)
            found += [await _quota(target, access, wanted=wanted)] if wanted else []
    except socket.gaierror as error:
        found.append(known("bad-name", f"the name {target.host} is not known: {reason(error)}"))
    except TimeoutError:
        found.append(known("dead-port", f"no answer in {access.patience:g} s"))
    except ssl.SSLError as error:
        found.append(known("no-turn", f"no TLS here: {error.reason or error}"))
    except OSError as error:
        found.append(known("dead-port", reason(error)))
    except Refused as refused:
        found.append(_refusal(refused))
    return found


async def _quota(target: Target, access: Access, *, wanted: int) -> Finding:
    """
    Makes as many allocations as one person needs, all at once and as one user.

    Raises:
        Refused: with another error than 486. OSError, TimeoutError: it could not be asked.
    """
    login, all_have_asked = access.login(), asyncio.Barrier(wanted)
    door = asyncio.Semaphore(_KNOCKS)

    async def hold() -> bool:
        try:
            async with AsyncExitStack() as stack:
                async with door:
                    made = await _is_made(
                        stack, allocated(target, login, patience=access.patience, tls=_any_certificate())
                    )
                await all_have_asked.wait()
        except BaseException:
            await all_have_asked.abort()
            raise
        return made

    made = sum(await asyncio.gather(*(hold() for _ in range(wanted))))
    if made < wanted:
        return known("quota", f"one person gets {made} allocations, and needs {wanted} in a full room that restarts")
    return good("quota", f"one person gets the {wanted} allocations of a full room that restarts")


def reason(error: Exception) -> str:
    """Why a relay could not be asked, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno)  # asyncio's own text repeats the address
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


async def _is_made(stack: AsyncExitStack, allocation: AbstractAsyncContextManager) -> bool:
    """Whether the quota allows one more, which lasts as long as the stack then."""
    try:
        await stack.enter_async_context(allocation)
    except Refused as refused:
        if refused.code != 486:
            raise
        return False
    return True


async def _certificate(target: Target, access: Access) -> Finding:
    try:
        async with asyncio.timeout(access.patience):
            _, writer = await asyncio.open_connection(target.host, target.port, ssl=access.tls())
    except ssl.SSLCertVerificationError as error:
        return known("bad-certificate", error.verify_message)
    ends = writer.get_extra_info("peercert")["notAfter"]
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
    return findings.certificate(int(ssl.cert_time_to_seconds(ends) - time.time()) // 86400)


async def _login(target: Target, access: Access) -> Finding:
    """Who comes without credentials must be asked for some (RFC 8489 section 9.2.4)."""
    try:
        async with visit(target, None, patience=access.patience, tls=_any_certificate()) as allocation:
            await allocation.make()
    except Refused as refused:
        if refused.code != 401:
            raise
        if not refused.realm:
            return known("no-realm", "it asks for credentials, and names no realm")
        return good("login", f"asks for credentials (realm {refused.realm})")
    return known("open-relay", "it made an allocation for somebody without credentials")


async def _secret(target: Target, access: Access) -> list[Finding]:
    if not await admits(target, access):
        return [await _why_not(target, access)]
    if await admits(target, access._replace(secret=os.urandom(24).hex())):
        return [known("any-secret", "it took credentials that were signed with a random secret")]
    if await admits(target, access, lifetime=_EXPIRED):
        return [good("secret", "is shared"), known("clock-behind", "it took credentials that ended a minute ago")]
    return [good("secret", "is shared, others are refused"), good("clock", "agrees with this machine's")]


async def _why_not(target: Target, access: Access) -> Finding:
    for lifetime in _AHEAD:
        if await admits(target, access, lifetime=lifetime):
            hours = lifetime // 3600
            return known(
                "clock-ahead", f"it refuses credentials for {_LIFETIME // 60} minutes, and takes some for {hours} hours"
            )
    return known("wrong-secret", "it refuses credentials of this secret for any time")


def _refusal(refused: Refused) -> Finding:
    code = {486: "quota", 508: "no-capacity"}.get(refused.code, "refused")
    return known(code, f"it refuses an allocation with error {refused.code}")


async def _relay(target: Target, access: Access) -> list[Finding]:
    async with allocated(target, access.login(), patience=access.patience, tls=_any_certificate()) as allocation:
        return [await _address(allocation, target, access), await _peers(allocation)]


async def _address(allocation: Allocation, target: Target, access: Access) -> Finding:
    """
    Lets a socket of this machine speak to the relayed address, and hear through it.

    Two allocations on one relay would not do: coturn maps its own external address within itself, and a wrong one goes unnoticed.
    """
    host = allocation.relayed[0]
    if target.is_public and not is_public(host):
        return known("private-relay", f"relays at {host}, which is no public address")
    if ip_address(host).version != ip_address(allocation.mapped[0]).version:
        return Finding(
            "address", findings.UNKNOWN, "other-family", f"relays at {host}; only its own IP version can try that"
        )
    try:
        await allocation.permit(allocation.mapped[0])
    except Refused as refused:
        return known(
            "not-from-here", f"it does not relay to {allocation.mapped[0]}, which is this machine ({refused.code})"
        )
    return await _echo(allocation, access.patience)


async def _echo(allocation: Allocation, patience: float) -> Finding:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    host = allocation.relayed[0]
    any_address = "::" if ":" in host else "0.0.0.0"
    transport, _ = await loop.create_datagram_endpoint(lambda: _Peer(heard), local_addr=(any_address, 0))
    try:
        word = os.urandom(16)
        answer = await _repeat(lambda: transport.sendto(word, allocation.relayed), allocation.hear, patience)
        if not answer or answer[0] != word:
            return known("no-echo", f"what is sent to {host} does not arrive through the relay")
        if not await _repeat(lambda: allocation.say(word, answer[1]), heard.get, patience):
            return known("no-echo-back", f"what {host} sends does not arrive here")
    finally:
        transport.close()
    return good("address", f"relays at {host}, there and back")


class _Peer(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Queue[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr) -> None:
        self._heard.put_nowait(data)


async def _repeat(send: Callable[[], None], receive: Callable, patience: float):
    """What was received, sending again until it is there, because UDP loses; None when the time is over."""
    waiting = asyncio.ensure_future(receive())
    try:
        for _ in range(max(2, round(patience / _RESEND_SECONDS))):
            send()
            await asyncio.wait({waiting}, timeout=_RESEND_SECONDS)
            if waiting.done():
                return waiting.result()
    finally:
        waiting.cancel()
    return None


async def _peers(allocation: Allocation) -> Finding:
    allowed = [peer for peer in FORBIDDEN_PEERS if await _permits(allocation, peer)]
    if allowed:
        return known("private-peers", f"relays to {', '.join(allowed)}")
    return good("peers", "private, metadata and multicast addresses are refused")


async def _permits(allocation: Allocation, peer: str) -> bool:
    try:
        await allocation.permit(peer)
    except Refused:
        return False
    return True


@functools.cache
def _any_certificate() -> ssl.SSLContext:
    """Without the authorities of this machine, whose loading takes longer than all the rest."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
