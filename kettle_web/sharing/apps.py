from django.apps import AppConfig

from kettle_web.sharing.logs import scrubbing_install


class SharingConfig(AppConfig):
    name = "kettle_web.sharing"
    label = "sharing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models are read only now.
        from kettle_web.core.periodic import periodic_register
        from kettle_web.sharing.viewlog import looks_forget

        scrubbing_install()
        periodic_register("sharing.looks", looks_forget, seconds=3600)
