"""Addresses under /blog/."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path

from blog import views
from blog.sitemaps import SITEMAPS

app_name = "blog"
urlpatterns = [
    path("", views.post_list, name="list"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    path("<slug:slug>/", views.post, name="post"),
]
