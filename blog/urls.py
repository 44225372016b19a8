"""Addresses under /blog/."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path

from blog import feeds, views
from blog.sitemaps import SITEMAPS

app_name = "blog"
urlpatterns = [
    path("", views.post_list, name="list"),
    path("rss.xml", feeds.Rss(), name="rss"),
    path("atom.xml", feeds.Atom(), name="atom"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    path("preview/<str:key>/", views.preview, name="preview"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("tags/<slug:slug>/", views.tag, name="tag"),
    path("tags/<slug:slug>/rss.xml", feeds.Rss(), name="tag-rss"),
    path("tags/<slug:slug>/atom.xml", feeds.Atom(), name="tag-atom"),
    path("<int:year>/", views.year, name="year"),
    path("<int:year>/<int:month>/", views.month, name="month"),
    path("<slug:slug>/", views.post, name="post"),
]
