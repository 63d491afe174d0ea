"""Django: a management command over another site's API.

API_URL=https://api.example.com API_TOKEN=... python manage.py list_people --active
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
