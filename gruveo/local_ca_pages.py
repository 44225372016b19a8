"""Where phones get the authority of `make run HTTPS=1`, and how they come to trust it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from gruveo import local_ca


@never_cache
def certificate(request: HttpRequest) -> HttpResponse:
    """The authority's certificate, under the type at which phones offer to install it."""
    return HttpResponse(settings.LOCAL_CA_FILE.read_bytes(), content_type="application/x-x509-ca-cert")


@never_cache
def steps(request: HttpRequest) -> HttpResponse:
    return render(request, "local_ca.html", {"authority": local_ca.authority_name()})
