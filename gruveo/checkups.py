"""Questions for health come by a machine's address, over plain HTTP, from balancers and scripts that know no name of the site."""

PATHS = frozenset({"/healthz", "/healthz/sessions", "/readyz", "/metrics"})


class Checkups:
    """
    ASGI middleware: for those paths the request counts as one over HTTPS to the site's own host, so it is neither redirected nor refused.

    Nothing is opened by that: the answers are the same for everybody, and name no host; /metrics only comes here when it is refused.
    """

    def __init__(self, app, *, host: str) -> None:
        self._app = app
        self._host = (b"host", host.encode())

    async def __call__(self, scope, receive, send):
        if scope["path"] in PATHS:
            kept = [pair for pair in scope["headers"] if pair[0].lower() not in {b"host", b"x-forwarded-proto"}]
            scope = {**scope, "scheme": "https", "headers": [self._host, *kept]}
        return await self._app(scope, receive, send)
