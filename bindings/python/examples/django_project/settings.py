"""The least that a management command needs."""

from __future__ import annotations

import os

SECRET_KEY = "only for this example"
INSTALLED_APPS = ["people"]
USE_TZ = True

API_URL = os.environ.get("API_URL", "https://api.example.com")
API_TOKEN = os.environ.get("API_TOKEN") or None
