"""Addresses under /blog/."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path

from blog import views
from blog.sitemaps import SITEMAPS

app_name = "blog"
urlpatterns = [
    path("", views.post_list, name="list"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    path("preview/<str:key>/", views.preview, name="preview"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("tags/<slug:slug>/", views.tag, name="tag"),
    path("<int:year>/", views.year, name="year"),
    path("<int:year>/<int:month>/", views.month, name="month"),
    path("<slug:slug>/", views.post, name="post"),
]
