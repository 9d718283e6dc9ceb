"""The Celery application. `core.apps` imports it, so that tasks bind to it in every Django process."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kettle_web.settings")

app = Celery("kettle_web")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["kettle_web.builds", "kettle_web.verifications", "kettle_web.history"])
