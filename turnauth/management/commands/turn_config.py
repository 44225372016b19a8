"""Writes the configuration of a relay."""

from django.core.management.base import BaseCommand, CommandError

from turnauth import conf
from turnauth.relay_config import Relay, write


class Command(BaseCommand):
    help = (
        "Writes a hardened turnserver.conf, each line with its reason. Without options, addresses and realm are placeholders "
        "(@PUBLIC_IP@, @PRIVATE_IP@, @REALM@), which the script of deploy/turn/ fills in when a machine starts. Secrets are put into "
        "the relay's own database with turnadmin -s, so that they can change without a restart. The quotas follow from ROOM_CAPACITY."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("--realm", help="any name, usually the site's")
        parser.add_argument("--public-ip", metavar="ADDRESS", help="at which clients reach the relay")
        parser.add_argument("--private-ip", metavar="ADDRESS", help="of the network card, where it differs (NAT, EC2)")
        parser.add_argument(
            "--public-ip6", metavar="ADDRESS", help="listen on this IPv6 address too; @PUBLIC_IP6@ is one"
        )
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="write those of TURN_SECRETS into the file, which then is nobody else's to read",
        )
        parser.add_argument("--port", type=int, help="for UDP and TCP (3478)")
        parser.add_argument("--tls-port", type=int, help="for TLS (443)")
        parser.add_argument("--certificate", metavar="FILE", help="the whole chain")
        parser.add_argument("--key", metavar="FILE")
        parser.add_argument("--userdb", metavar="FILE", help="where turnadmin keeps secrets that were added live")

    def handle(self, *args, public_ip: str | None, private_ip: str | None, with_secrets: bool, **options) -> None:
        given = {
            "realm": options["realm"],
            "public": public_ip,
            "private": private_ip or public_ip,
            "public6": options["public_ip6"],
            **{name: options[name] for name in ("port", "tls_port", "certificate", "key", "userdb")},
        }
        if with_secrets:
            given["secrets"] = conf.secrets()
            if not given["secrets"]:
                raise CommandError("TURN_SECRETS is not set: there are no secrets to write.")
        values = {name: value for name, value in given.items() if value}
        self.stdout.write(write(Relay(conf.room_capacity(), **values)), ending="")
