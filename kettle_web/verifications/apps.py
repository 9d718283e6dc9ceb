from datetime import datetime

from django.apps import AppConfig
from django.utils.module_loading import import_string

EVERY_SECONDS = 60.0
MISSING_SECONDS = 300.0


class VerificationsConfig(AppConfig):
    name = "kettle_web.verifications"
    label = "verifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kettle_web.core.periodic import periodic_register
        from kettle_web.verifications import retention

        retention.references_register()
        periodic_register("verifications.retention", retention.artifacts_let_go, seconds=600)
        periodic_register("verifications.due", _due_judge, seconds=EVERY_SECONDS)
        periodic_register("verifications.policy-dates", _dates_look, seconds=EVERY_SECONDS)
        periodic_register("verifications.index-missing", _missing_index, seconds=MISSING_SECONDS)


def _due_judge(now: datetime) -> object:
    # Loaded with the first run: the web processes never judge on schedule, and start without the verifier.
    return import_string("kettle_web.verifications.schedule.passes.due_judge")(now)


def _dates_look(now: datetime) -> object:
    return import_string("kettle_web.verifications.schedule.passes.dates_look")(now)


def _missing_index(now: datetime) -> object:
    return import_string("kettle_web.verifications.rebuild.index_missing")(now)
