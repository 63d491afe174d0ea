"""The site for hypercorn (TLS, HTTP/2)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
application = get_asgi_application()
