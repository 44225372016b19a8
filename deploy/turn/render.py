#!/usr/bin/python3
"""
Before coturn starts, and when it reads its certificate again: fills in what only the running machine knows.

Reads /etc/turn.env, by way of systemd. Addresses come from the metadata of the machine (IMDSv2) unless PUBLIC_IP and PRIVATE_IP are set,
secrets from SECRETS or from a parameter of SSM, the certificate from a parameter of SSM or from where somebody has put it. The database of
secrets is made anew, so that /etc/turn.env, or the parameter, is the one truth at each start. With `--certificate` it fetches only that.

It runs on a bare Debian, as root: the standard library, and python3-boto3 where SSM is used.
"""

import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

METADATA = os.environ.get("METADATA", "http://169.254.169.254")
TEMPLATE = Path(os.environ.get("CONF_TEMPLATE", "/usr/local/lib/gruveo-turn/turnserver.conf"))
CONF = Path(os.environ.get("CONF", "/run/gruveo-turn/turnserver.conf"))
USERDB = Path(os.environ.get("USERDB", "/var/lib/turn/turndb"))
TLS = Path(os.environ.get("TLS", "/etc/coturn/tls"))
_USER = "turnserver"
_SECONDS = 5
_SECRET = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.~-]{31,})")  # one that begins with - would be an option to turnadmin


def main() -> None:
    os.umask(0o077)
    _certificate()
    if sys.argv[1:] == ["--certificate"]:
        return
    _write(CONF, _filled(TEMPLATE.read_text(), _values()))
    _fill_userdb(_needed("REALM"), _secrets())


def metadata(path: str) -> str:
    """
    What the machine is told of itself; empty where it has no such thing, an IPv6 address for example.

    With a token (IMDSv2): a page that a relayed or forged request fetches without one gets nothing.
    """
    ask = urllib.request.Request(
        f"{METADATA}/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    with urllib.request.urlopen(ask, timeout=_SECONDS) as answer:
        token = answer.read().decode()
    fetch = urllib.request.Request(f"{METADATA}/latest/meta-data/{path}", headers={"X-aws-ec2-metadata-token": token})
    try:
        with urllib.request.urlopen(fetch, timeout=_SECONDS) as answer:
            return answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise


def parameter(name: str) -> str:
    import boto3  # noqa: PLC0415 (a relay that has its secrets in a file needs no boto3)

    return boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def _values() -> dict[str, str]:
    public, private = os.environ.get("PUBLIC_IP"), os.environ.get("PRIVATE_IP")
    values = {
        "@PUBLIC_IP@": public or metadata("public-ipv4"),
        "@PRIVATE_IP@": private or public or metadata("local-ipv4"),
        "@PUBLIC_IP6@": os.environ.get("PUBLIC_IP6", "") if public else metadata("ipv6"),
        "@REALM@": _needed("REALM"),
    }
    for name in ("@PUBLIC_IP@", "@PRIVATE_IP@"):
        if not values[name]:
            sys.exit(f"This machine has no {name.strip('@')}: give it a public address, or set it in /etc/turn.env.")
    return values


def _filled(template: str, values: dict[str, str]) -> str:
    """Lines for which there is no value go, with the reason above them."""
    kept: list[str] = []
    for line in template.splitlines():
        names = re.findall(r"@[A-Z0-9_]+@", line)
        if any(not values.get(name) for name in names):
            kept.pop()
            continue
        for name in names:
            line = line.replace(name, values[name])
        kept.append(line)
    return "\n".join(kept) + "\n"


def _secrets() -> list[str]:
    name = os.environ.get("SECRETS_PARAMETER")
    secrets = (parameter(name) if name else _needed("SECRETS")).replace(",", " ").split()
    if not 1 <= len(secrets) <= 2 or not all(map(_SECRET.fullmatch, secrets)):
        sys.exit(
            "SECRETS must be one or two secrets of 32 characters or more: letters, digits and _ . ~ -, not - at the beginning."
        )
    return secrets


def _fill_userdb(realm: str, secrets: list[str]) -> None:
    USERDB.unlink(missing_ok=True)
    for secret in secrets:
        _turnadmin("-s", secret, "-r", realm, "-b", str(USERDB))
    _give(USERDB)


def _turnadmin(*arguments: str) -> None:
    with subprocess.Popen(["turnadmin", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        pass
    for log in Path("/var/log").glob(f"turn_{process.pid}_*.log"):
        log.unlink()  # it leaves one each time, and no option keeps it from that
    if process.returncode:
        sys.exit("turnadmin could not write the database of secrets.")


def _certificate() -> None:
    """The parameter holds the key and the whole chain, in any order."""
    name = os.environ.get("CERTIFICATE_PARAMETER")
    if not name:
        return
    blocks = re.findall(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", text := parameter(name), re.DOTALL)
    parts = re.findall(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", text, re.DOTALL)
    pairs = list(zip(blocks, parts, strict=True))
    key = "\n".join(part for kind, part in pairs if kind.endswith("PRIVATE KEY"))
    chain = "\n".join(part for kind, part in pairs if kind == "CERTIFICATE")
    if not key or not chain:
        sys.exit(f"The parameter {name} must hold a private key and a certificate, as PEM.")
    TLS.mkdir(parents=True, exist_ok=True)
    TLS.chmod(0o755)
    _write(TLS / "privkey.pem", key + "\n")
    _write(TLS / "fullchain.pem", chain + "\n")


def _needed(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        sys.exit(f"{name} is not set in /etc/turn.env.")
    return value


def _write(path: Path, text: str) -> None:
    """In one step, so that nobody reads half of it."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    _give(new)
    new.replace(path)


def _give(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0:
        shutil.chown(path, _USER, _USER)


if __name__ == "__main__":
    main()
