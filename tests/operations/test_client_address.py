"""Whose address it is, when proxies stand between."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gruveo.client_address import ClientAddress, forwarded


def headers(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"gruveo.example"), *((b"X-Forwarded-For", value.encode("latin-1")) for value in values)]


class ForwardedTests:
    @pytest.mark.parametrize(
        ("values", "proxies", "address"),
        [
            (["192.0.2.1"], 1, "192.0.2.1"),
            (["192.0.2.9, 192.0.2.1"], 1, "192.0.2.1"),
            (["192.0.2.1, 10.0.0.1"], 2, "192.0.2.1"),
            (["192.0.2.9", "192.0.2.1"], 1, "192.0.2.1"),
            (["2001:db8::1"], 1, "2001:db8::1"),
            (["[2001:DB8:0::1]"], 1, "2001:db8::1"),
            (["192.0.2.1"], 2, None),
            ([], 1, None),
            (["192.0.2.1:443"], 1, "192.0.2.1"),
            (["192.0.2.1:443, 10.0.0.1:50123"], 2, "192.0.2.1"),
            (["[2001:db8::1]:443"], 1, "2001:db8::1"),
            (["2001:db8::1:443"], 1, "2001:db8::1:443"),  # without brackets nobody can tell
            (["unknown"], 1, None),
            ([""], 1, None),
            (["192.0.2.1:"], 1, None),
            (["192.0.2.1:x"], 1, None),
            (["192.0.2.1:1:2"], 1, None),
            (["192.0.2.1:123456"], 1, None),
            (["192.0.2.1:\xb2"], 1, None),
            (["192.0.2:443"], 1, None),
            (["[192.0.2.1"], 1, None),
            (["2001:db8::1]:443"], 1, None),
            (["[2001:db8::1]443"], 1, None),
            (["[2001:db8::1]:"], 1, None),
            (["[]:443"], 1, None),
            ([":443"], 1, None),
        ],
    )
    def test_the_outermost_trusted_proxy_is_believed(self, values, proxies, address):
        assert forwarded(headers(*values), proxies) == address

    @given(st.lists(st.text(alphabet=st.characters(max_codepoint=255)), max_size=4))
    def test_what_a_client_forges_never_matters(self, forged):
        assert forwarded(headers(*forged, "192.0.2.1"), 1) == "192.0.2.1"

    @given(st.lists(st.text(alphabet=st.characters(max_codepoint=255)), max_size=4), st.integers(1, 3))
    def test_the_answer_is_an_address_or_none(self, values, proxies):
        found = forwarded(headers(*values), proxies)

        assert found is None or ipaddress.ip_address(found)


class ClientAddressTests:
    async def seen(self, scope, *, trusted_proxies):
        scopes = []

        async def app(scope, receive, send):
            scopes.append(scope)

        await ClientAddress(app, trusted_proxies=trusted_proxies)(scope, None, None)
        return scopes[0].get("client")

    @pytest.mark.parametrize("kind", ["http", "websocket"])
    async def test_header_counts_behind_a_proxy(self, kind):
        scope = {"type": kind, "headers": headers("192.0.2.1"), "client": ("10.0.0.1", 5)}

        assert await self.seen(scope, trusted_proxies=1) == ("192.0.2.1", 0)
        assert scope["client"] == ("10.0.0.1", 5)

    async def test_header_counts_for_nothing_without_a_proxy(self):
        scope = {"type": "http", "headers": headers("192.0.2.1"), "client": ("10.0.0.1", 5)}

        assert await self.seen(scope, trusted_proxies=0) == ("10.0.0.1", 5)
