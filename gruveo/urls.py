"""All addresses of the site, in the order in which they are resolved: fixed paths first, codes last."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from gruveo import health
from library.views import media

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("blog/", include("blog.urls")),
    path("search/", include("search.urls")),
    path("turn/", include("turnauth.urls")),
]
if settings.STORAGES["default"]["BACKEND"] == "library.storage.DiskStorage":
    urlpatterns.append(path("media/<path:name>", media, name="media"))
if settings.LOCAL_CA_FILE:
    from gruveo import local_ca_pages

    urlpatterns += [
        path("local-ca.crt", local_ca_pages.certificate, name="local-ca-certificate"),
        path("local-ca/", local_ca_pages.steps, name="local-ca"),
    ]
urlpatterns += [path("", include("signaling.urls")), path("", include("pages.urls"))]

handler404 = "pages.views.not_found"
handler500 = "pages.views.server_error"
