"""Why a code was refused, in the words that people read; the keys are the hints of docs/protocol.md section 3."""

from django.utils.translation import gettext_lazy as _

HINTS = {
    "empty": _("A code needs at least one letter, digit or emoji."),
    "too-long": _("A code has at most 64 characters. This one is longer."),
    "characters": _("A code is made of letters, digits, emoji and - _ . ' only."),
    "dots": _("A code does not begin with a dot."),
    "file": _("A code does not end like the name of a file."),
    "taken": _("This word is reserved by this site. Add something to it, or choose another code."),
}
