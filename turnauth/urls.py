"""The address at which credentials are fetched."""

from django.urls import path

from turnauth import views

app_name = "turnauth"
urlpatterns = [path("", views.turn, name="turn")]
