from django.apps import AppConfig

from kettle_web.sharing.logs import scrubbing_install


class SharingConfig(AppConfig):
    name = "kettle_web.sharing"
    label = "sharing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        scrubbing_install()
