"""
A certificate authority of this machine's own, so that phones of the same network get HTTPS, and with it camera and microphone.

Browsers give those to secure pages only, and no public authority signs for an address such as 192.168.1.5.
"""

import datetime
import ipaddress
import re
import socket
from pathlib import Path

import ifaddr
import trustme
from cryptography import x509

from gruveo.private_file import write_private

# Apple's limit for servers is 398 days, counted from the first day of validity.
_LIFETIME = datetime.timedelta(days=396)
_CLOCKS_DIFFER = datetime.timedelta(days=1)
_RENEW = datetime.timedelta(days=30)
_NOT_FOR_PHONES = ("docker", "br-", "veth", "virbr", "vmnet", "tun", "wg")


def lan_addresses() -> list[str]:
    """
    The IPv4 addresses at which this network can reach this machine, real networks before those of containers.

    Without IPv6: those addresses change daily, nobody types them, and a Content-Security-Policy cannot name them.
    """
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if ip.is_IPv4 and not (
                ipaddress.ip_address(ip.ip).is_loopback or ipaddress.ip_address(ip.ip).is_link_local
            ):
                found.append((adapter.name.startswith(_NOT_FOR_PHONES), ip.ip))
    return [address for _, address in sorted(found, key=lambda pair: pair[0])]


def host_name() -> str:
    """This machine's name, as far as it may stand in an address; `gruveo` when nothing is left."""
    name = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().partition(".")[0].lower()).strip("-")
    return name if name and name != "localhost" else "gruveo"


def authority_name() -> str:
    """Under which phones list the authority."""
    return f"Gruveo local authority on {host_name()}"


def certificate(folder: Path, names: list[str], *, now: datetime.datetime) -> Path:
    """
    A file with key and certificate for these names and addresses, made when there is none that still fits.

    `folder` also gets `ca.crt`, which visitors may install, and `ca.key`, which must not leave this machine: whoever has it can pose
    as any site to everybody who installed the first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _authority(folder)
    file = folder / "server.pem"
    if not (file.exists() and _fits(file, authority, names, now)):
        issued = authority.issue_cert(*names, not_before=now - _CLOCKS_DIFFER, not_after=now + _LIFETIME)
        write_private(file, issued.private_key_and_cert_chain_pem.bytes())
    return file


def _authority(folder: Path) -> trustme.CA:
    key, cert = folder / "ca.key", folder / "ca.crt"
    if key.exists() and cert.exists():
        return trustme.CA.from_pem(cert.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name=authority_name(), organization_unit_name="Only for tests at home")
    cert.unlink(missing_ok=True)
    write_private(key, made.private_key_pem.bytes())
    cert.write_bytes(made.cert_pem.bytes())  # last: half a pair is made anew
    return made


def _fits(file: Path, authority: trustme.CA, names: list[str], now: datetime.datetime) -> bool:
    """Whether it was signed by this authority, for exactly these names, and serves a month longer."""
    cert = x509.load_pem_x509_certificate(file.read_bytes())
    try:
        cert.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.cert_pem.bytes()))
    except Exception:
        return False
    alternatives = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = {*alternatives.get_values_for_type(x509.DNSName)}
    covered |= {str(address) for address in alternatives.get_values_for_type(x509.IPAddress)}
    return covered == set(names) and cert.not_valid_after_utc - now > _RENEW
