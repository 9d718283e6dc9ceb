from django.apps import AppConfig


class VerificationsConfig(AppConfig):
    name = "kettle_web.verifications"
    label = "verifications"
    default_auto_field = "django.db.models.BigAutoField"
