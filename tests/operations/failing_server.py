"""The real server with the addresses of failing_urls; what Node in test_sentry starts."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "gruveo.settings"

from django.conf import settings

from gruveo import local_env, serve

if __name__ == "__main__":
    local_env.load(os.environ)
    settings.ROOT_URLCONF = "tests.operations.failing_urls"
    serve.main()
