from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "kettle_web.builds"
    label = "builds"
    default_auto_field = "django.db.models.BigAutoField"
