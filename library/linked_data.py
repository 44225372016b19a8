"""What a page says of itself to search engines, in a form that cannot run. Pure."""

import json

# As django.utils.html.json_script does it: nothing in a text may end the element.
_ESCAPED = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def script(thing: dict) -> str:
    """
    The element with a thing of schema.org, safe to put on a page; what is empty is left out.

    Source: JSON-LD 1.1 section 7 (embedding in HTML).
    """
    said = {"@context": "https://schema.org", **{name: value for name, value in thing.items() if value}}
    return f'<script type="application/ld+json">{json.dumps(said, ensure_ascii=False).translate(_ESCAPED)}</script>'
