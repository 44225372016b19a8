"""Which relays may be handed out now."""

from turnauth import conf


def relays() -> dict[str, tuple[str, ...]]:
    """By region: those of the settings."""
    return conf.relays()
