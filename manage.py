#!/usr/bin/env python
"""Command line of the product: ``manage.py help`` lists what it can do."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_saas.settings.base")
    execute_from_command_line(sys.argv)
