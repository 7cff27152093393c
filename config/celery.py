"""The worker and its clock. The truth is a column in PostgreSQL: tasks may be lost or run twice,
the sweep finds what is waiting."""

from __future__ import annotations

import os

from celery import Celery, signals
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("holdfast")
app.conf.update(
    broker_url=settings.BROKER_URL,
    task_ignore_result=True,
    task_acks_late=True,
    worker_hijack_root_logger=False,
    beat_schedule={
        "sweep": {"task": "cases.tasks.sweep", "schedule": 2.0, "options": {"expires": 4}},
        "confirm": {"task": "cases.tasks.confirm", "schedule": 30.0, "options": {"expires": 60}},
        "expire": {"task": "cases.tasks.expire", "schedule": 24 * 3600.0},
        "rehash": {"task": "cases.tasks.rehash", "schedule": 24 * 3600.0},
    },
    task_routes={
        "cases.tasks.build": {"queue": "builds"},
        "cases.tasks.measure": {"queue": "builds"},
    },
    imports=["cases.tasks"],
    timezone="UTC",
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
)


@signals.worker_init.connect
@signals.beat_init.connect
def _refuse_to_start_if_wrong(**kwargs: object) -> None:
    from config import checks  # not before Celery has set Django up

    checks.refuse_to_start_if_wrong()
