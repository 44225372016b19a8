"""Addresses of what clients fetch over HTTP; that of the socket is in signaling.routing."""

from django.urls import path

from signaling import views

app_name = "signaling"
urlpatterns = [
    path("api/config", views.config, name="config"),
]
