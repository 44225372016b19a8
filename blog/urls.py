"""Addresses under /blog/."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path

from blog import feeds, views
from blog.sitemaps import SITEMAPS
from library.kept import kept

app_name = "blog"
urlpatterns = [
    path("", kept(views.post_list, query=["page"]), name="list"),
    path("rss.xml", kept(feeds.Rss()), name="rss"),
    path("atom.xml", kept(feeds.Atom()), name="atom"),
    path("sitemap.xml", kept(sitemap, query=["p"]), {"sitemaps": SITEMAPS}, name="sitemap"),
    path("preview/<str:key>/", views.preview, name="preview"),
    path("authors/<slug:slug>/", kept(views.author, query=["page"]), name="author"),
    path("tags/<slug:slug>/", kept(views.tag, query=["page"]), name="tag"),
    path("tags/<slug:slug>/rss.xml", kept(feeds.Rss()), name="tag-rss"),
    path("tags/<slug:slug>/atom.xml", kept(feeds.Atom()), name="tag-atom"),
    path("<int:year>/", kept(views.year, query=["page"]), name="year"),
    path("<int:year>/<int:month>/", kept(views.month, query=["page"]), name="month"),
    path("<slug:slug>/", kept(views.post), name="post"),
]
