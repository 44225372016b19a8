"""Whom django-axes locks out after failed logins."""

import ipaddress

from django.http import HttpRequest


def client_address(request: HttpRequest, *_) -> str | None:
    """
    Where a login comes from, of IPv6 the network of one site (/64); None where no network is involved.

    The server has set REMOTE_ADDR from the proxies that it counts. Attack stopped: django-axes's own reading of X-Forwarded-For
    believes what the client wrote there.
    """
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:
        return None
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
