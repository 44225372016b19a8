"""Leads through a change of the secret that Django and the relays share."""

import asyncio
import json
import secrets as random_secrets
import time

from botocore.exceptions import BotoCoreError, ClientError
from django.core import signing
from django.core.management.base import BaseCommand, CommandError

from turnauth import conf, discovery, health, probe, rotation
from turnauth.progress import Progress
from turnauth.rotation import Receipt
from turnauth.servers import uris
from turnauth.targets import parse

_SALT = "turnauth.rotation"


class Command(BaseCommand):
    help = (
        "Leads through a change of the secret that Django and the relays share, without an outage: start, spread, front, drop, finish. "
        "Each step tries all relays with real allocations, says what to do next and prints a receipt, which the next step asks for."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("step", choices=rotation.STEPS)
        parser.add_argument("receipt", nargs="?", help="what the step before has printed")
        parser.add_argument("--timeout", type=float, default=5, help="seconds that a relay has to answer (5)")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args, step: str, receipt: str | None, timeout: float, **options) -> None:
        before, secrets, now = _read(receipt), conf.secrets(), time.time()
        if refused := rotation.refusal(step, receipt=before, secrets=secrets, now=now, lifetime=conf.lifetime()):
            raise CommandError(refused)
        answers = self._ask(step, secrets, timeout)
        # Hexadecimal, because turnadmin takes a secret that begins with - for an option.
        new = random_secrets.token_hex(32) if step == "start" else ""
        after = rotation.next_receipt(step, before=before, old=secrets[0], new=new, now=now)
        self._say(step, new, after, answers, options["json"])

    def _ask(self, step: str, secrets: tuple[str, ...], patience: float) -> dict[str, list[bool]]:
        """
        Which relays take which secrets.

        Raises:
            CommandError: they are not as this step needs them, or one could not be asked.
        """
        try:
            relays = health.names(discovery.find())
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"EC2 could not be asked for the relays: {error}") from error
        if not relays:
            raise CommandError("There are no relays: TURN_SERVERS is not set, and none was found.")
        progress = Progress(self.stderr)
        answers, wrong = asyncio.run(_ask_all(relays, rotation.MUST_TAKE[step], secrets, patience, progress))
        progress.clear()
        if wrong:
            raise CommandError("\n".join([f"{step} is not done:", *wrong]))
        return answers

    def _say(self, step: str, new: str, after: Receipt, answers: dict[str, list[bool]], as_json: bool) -> None:
        todo = rotation.todo(step, new=new, lifetime=conf.lifetime())
        receipt = signing.dumps(list(after), salt=_SALT)
        following = rotation.STEPS[rotation.STEPS.index(step) + 1 :][:1]
        if as_json:
            said = {
                "step": step,
                "relays": answers,
                "todo": todo,
                "next": following[0] if following else None,
                "receipt": receipt,
            }
            self.stdout.write(json.dumps({**said, **({"new_secret": new} if new else {})}))
            return
        self.stdout.write(f"{step} is done: {len(answers)} relays were tried.\n")
        for number, line in enumerate(todo, start=1):
            self.stdout.write(f"{number}. {line}")
        if following:
            self.stdout.write(f"\nThen: manage.py turn_secret {following[0]} {receipt}")


def _read(receipt: str | None) -> Receipt | None:
    if not receipt:
        return None
    try:
        return Receipt(*signing.loads(receipt, salt=_SALT))
    except signing.BadSignature as error:
        raise CommandError("This is no receipt of this site, or it is not whole.") from error


async def _ask_all(
    relays: list[str], must_take: tuple[bool, ...], secrets: tuple[str, ...], patience: float, progress: Progress
) -> tuple[dict[str, list[bool]], list[str]]:
    """What each relay takes, and what is wrong with that, in words."""
    answers: dict[str, list[bool]] = {}
    wrong: list[str] = []
    for number, relay in enumerate(relays, start=1):
        try:
            answers[relay] = [await _takes(relay, secret, patience) for secret in secrets]
        except (OSError, probe.Refused) as error:
            wrong.append(f"{relay} could not be asked: {probe.reason(error)}")
            continue
        pairs = enumerate(zip(answers[relay], must_take, strict=True), start=1)
        wrong += [
            f"{relay} {'takes' if takes else 'does not take'} secret {place} of TURN_SECRETS"
            for place, (takes, must) in pairs
            if takes != must
        ]
        progress.show(f"{number} of {len(relays)} relays asked")
    return answers, wrong


async def _takes(relay: str, secret: str, patience: float) -> bool:
    return await probe.admits(parse(uris(relay)[0]), probe.Access(secret, patience))
