"""System checks of the settings of TURN; turnauth/rules.py says what is wrong, here it gets an id and a level."""

from django.core.checks import CheckMessage, Error, Warning

from turnauth import conf


def turn(**_) -> list[CheckMessage]:
    """E001 to E007 stop a server at its start already, by the settings file; W001 to W004 are only told."""
    return [
        (Error if problem.is_error else Warning)(
            f"{problem.variable} {problem.text}", hint=problem.hint, id=f"turnauth.{problem.id}"
        )
        for problem in conf.problems()
    ]
