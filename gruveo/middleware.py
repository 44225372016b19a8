"""What every HTTP request passes through besides Django's own middleware."""

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    """
    WhiteNoise for ASGI. Its answer is a stream that is read step by step in a thread, about which Django warns under ASGI; our files are
    small, so they are read at once.
    """

    @staticmethod
    def serve(static_file, request: HttpRequest) -> HttpResponse:
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        answer = HttpResponse(b"".join(streamed.streaming_content), status=streamed.status_code)
        del answer["Content-Type"]  # Django's own; the file's stands among the headers, or is missing for 304
        for name, value in streamed.items():
            answer[name] = value
        streamed.close()
        return answer
