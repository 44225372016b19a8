#!/usr/bin/env python3
"""Django's commands; in a checkout without SECRET_KEY they act on the site that `make run` serves."""

import os
import sys

from django.core.management import execute_from_command_line

from gruveo import local_env


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gruveo.settings")
    local_env.load(os.environ)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
