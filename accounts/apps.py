"""Accounts of the staff, and the admin site that they use."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"


class DeskConfig(admin_apps.AdminConfig):
    """Django's admin with our site in it."""

    default = False  # of this package AccountsConfig is
    default_site = "accounts.site.Desk"
