"""A figure of a model: a field of a dataclass with a sentence about it, which is checked before anything is counted. Pure."""

from dataclasses import field


def said(text: str, default: float | None = None) -> float:
    """A field with the sentence that an option's help shows."""
    return field(default=default, metadata={"help": text}) if default is not None else field(metadata={"help": text})


def must_be_positive(group: object, *names: str) -> None:
    """
    Raises:
        ValueError: one is 0.
    """
    for name in names:
        if not getattr(group, name) > 0:
            raise ValueError(f"--{name.replace('_', '-')} must be more than 0.")


def must_be_shares(group: object, *names: str) -> None:
    """
    Raises:
        ValueError: one is above 1.
    """
    for name in names:
        if getattr(group, name) > 1:
            raise ValueError(f"--{name.replace('_', '-')} is a share, from 0 to 1.")
