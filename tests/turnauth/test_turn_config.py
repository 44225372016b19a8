"""`manage.py turn_config`: what it writes, and that a real coturn takes it and holds to it."""

import asyncio
import re
import time
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command

from tests.turnauth.relay import HOST, SECRET, Coturn
from turnauth import credentials, probe, relay_config
from turnauth.targets import parse

# One address of each range that must be denied, and what is on both sides of it.
DENIED = (
    "0.0.0.1 10.0.0.1 10.255.255.254 100.64.0.1 100.127.255.254 127.0.0.2 169.254.169.254 172.16.0.1 172.31.255.254 192.0.0.1 192.0.2.1 "
    "192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255"
).split()
DENIED6 = (
    "::1 ::10.0.0.1 ::10.0.0.7 64:ff9b::a00:1 64:ff9b:1::1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 100::1 2001::1 2001:db8::1 2002:a00:1::1 "
    "fc00::1 fd00::1 fe80::1 ff02::1"
).split()
PUBLIC = "9.9.9.9 1.1.1.1 11.0.0.1 100.128.0.1 172.32.0.1 192.169.0.1 223.255.255.254".split()
PUBLIC6 = "2620:fe::fe 2a00:1450::1".split()


def written(*arguments, **options) -> str:
    output = StringIO()
    call_command("turn_config", *arguments, stdout=output, **options)
    return output.getvalue()


class WritingTests:
    def test_each_line_has_its_reason_above_it(self):
        lines = [line for line in written().splitlines() if line]

        for above, line in pairwise(lines):
            assert line.startswith("#") or (above.startswith("# ") and not above.startswith("# ----")), line

    def test_without_options_there_are_placeholders_and_no_secret(self, settings):
        settings.TURN_SECRETS = (SECRET,)

        text = written()

        assert set(re.findall(r"@\w+@", text)) == {"@PUBLIC_IP@", "@PRIVATE_IP@", "@REALM@"}
        assert SECRET not in text

    def test_options_fill_them_in(self, settings):
        settings.TURN_SECRETS = (SECRET, "b" * 32)

        lines = written(
            realm="gruveo.example",
            public_ip="9.9.9.9",
            private_ip="10.0.0.5",
            public_ip6="2620:fe::fe",
            with_secrets=True,
        ).splitlines()

        assert {
            "realm=gruveo.example",
            "external-ip=9.9.9.9/10.0.0.5",
            "listening-ip=10.0.0.5",
            "listening-ip=2620:fe::fe",
            f"static-auth-secret={SECRET}",
            f"static-auth-secret={'b' * 32}",
        } <= set(lines)
        assert "@" not in "\n".join(lines)

    @pytest.mark.parametrize(("capacity", "quota"), [(2, 24), (6, 120)])
    def test_quotas_follow_from_the_room(self, settings, capacity, quota):
        settings.ROOM_CAPACITY = capacity

        assert f"\nuser-quota={quota}\n" in written()

    def test_a_mesh_of_six_makes_forty_allocations_a_person(self):
        assert relay_config.allocations(6) == 40

    def test_secrets_that_are_not_set_cannot_be_written(self, settings):
        settings.TURN_SECRETS = ()

        with pytest.raises(CommandError, match="TURN_SECRETS is not set"):
            written(with_secrets=True)


@pytest.mark.server
class CoturnTests:
    def test_it_is_accepted_without_a_complaint(self):
        with Coturn(on_loopback=()) as relay:
            log = relay.log

        assert not re.search(r"(?i)bad configuration|unknown|invalid|cannot|warning|error", log), log

    def test_its_ranges_deny_what_they_shall_and_nothing_else(self):
        with Coturn() as relay:
            permitted = asyncio.run(permitted_peers(relay, [*DENIED, *PUBLIC]))

        assert permitted == PUBLIC

    def test_its_ranges_deny_the_same_over_ipv6(self):
        keep = ("allocation-default-address-family=keep", "listening-ip=::1", "relay-ip=::1")
        with Coturn(lines=keep) as relay:
            permitted = asyncio.run(permitted_peers(relay, [*DENIED6, *PUBLIC6], host="[::1]"))

        assert permitted == PUBLIC6

    def test_without_the_ranges_they_would_be_permitted(self):
        """So the test above can fail."""
        with Coturn(without=("denied-peer-ip", "no-multicast-peers")) as relay:
            assert "10.0.0.1" in asyncio.run(permitted_peers(relay, DENIED))

    def test_six_people_restart_at_once_and_none_is_refused(self):
        with Coturn() as relay:
            assert asyncio.run(restart_at_once(relay, people=6, each=relay_config.allocations(6))) == 6 * 40

    def test_the_quota_of_a_call_of_two_would_refuse_them(self):
        """So the test above can fail."""
        with Coturn(capacity=2) as relay, pytest.raises(probe.Refused) as refusal:
            asyncio.run(restart_at_once(relay, people=6, each=relay_config.allocations(6)))

        assert refusal.value.code == 486


async def permitted_peers(relay: Coturn, peers: list[str], host: str = HOST) -> list[str]:
    target = parse(f"turn:{host}:{relay.port}?transport=udp")
    permitted = []
    async with probe.allocated(target, probe.Access(SECRET).login(), patience=10) as allocation:
        for peer in peers:
            try:
                await allocation.permit(peer)
            except probe.Refused as refused:
                assert refused.code == 403, peer
            else:
                permitted.append(peer)
    return permitted


async def restart_at_once(relay: Coturn, *, people: int, each: int) -> int:
    """
    All make their allocations, then all make them again before they give up the old ones, as browsers do in an ICE restart; and all
    that three times. Answers how many allocations live at the end.
    """
    target = parse(relay.udp)
    expires = int(time.time()) + 3600
    logins = [credentials.sign(f"person-{number}", secret=SECRET, expires=expires) for number in range(people)]
    living: list[Visit] = []
    try:
        for _ in range(3):
            new = [Visit(target, login) for login in logins for _ in range(each)]
            living, old = new, living
            try:
                await asyncio.gather(*(visit.begin() for visit in new))
            finally:
                await asyncio.gather(*(visit.end() for visit in old))
        await asyncio.gather(*(visit.allocation.refresh() for visit in living))
        return len(living)
    finally:
        await asyncio.gather(*(visit.end() for visit in living))


class Visit:
    """An allocation that outlives a block."""

    def __init__(self, target, login) -> None:
        self._target, self._login = target, login

    async def begin(self) -> None:
        self._context = probe.allocated(self._target, self._login, patience=30)
        self.allocation = await self._context.__aenter__()

    async def end(self) -> None:
        if hasattr(self, "allocation"):
            await self._context.__aexit__(None, None, None)
