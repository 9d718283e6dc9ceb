from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "kettle_web.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Tasks bind to the application in every Django process; the package itself must stay importable without Celery.
        from kettle_web import celery  # noqa: F401
        from kettle_web.core.periodic import periodic_register
        from kettle_web.core.retention import SWEEP_SECONDS, retention_run

        periodic_register("core.retention", retention_run, seconds=SWEEP_SECONDS, limit_seconds=3600)
