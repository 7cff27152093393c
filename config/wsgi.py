"""The pages of the public, staff and partner doors; `config.serve` puts them on an event loop."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from config import checks  # noqa: E402  the apps must be ready first

checks.refuse_to_start_if_wrong()
