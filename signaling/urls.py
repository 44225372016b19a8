"""Addresses of what clients fetch over HTTP; that of the socket is in signaling.routing."""

from django.urls import path

from signaling import views

app_name = "signaling"
urlpatterns = [
    path("api/config", views.config, name="config"),
    path(".well-known/apple-app-site-association", views.apple_app_site_association, name="apple-app-site-association"),
    path(".well-known/assetlinks.json", views.asset_links, name="asset-links"),
]
