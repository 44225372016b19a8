"""What of the packages behind the login is not for the admin."""

from django.contrib import admin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

# Their pages show keys; `manage.py reset_second_factor` is how somebody is helped.
admin.site.unregister([StaticDevice, TOTPDevice])
