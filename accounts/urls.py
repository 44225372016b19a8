"""Addresses under /admin/ for who has forgotten a password; the names are those that Django's admin looks for."""

from django.contrib import admin
from django.contrib.auth import views
from django.urls import path

_HEADER = {"extra_context": {"site_header": admin.site.site_header, "site_title": admin.site.site_title}}

urlpatterns = [
    path("password_reset/", views.PasswordResetView.as_view(**_HEADER), name="admin_password_reset"),
    path("password_reset/done/", views.PasswordResetDoneView.as_view(**_HEADER), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(**_HEADER), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(**_HEADER), name="password_reset_complete"),
]
