from datetime import datetime

from django.apps import AppConfig
from django.utils.module_loading import import_string

MISSED_SECONDS = 60.0
MAIL_SECONDS = 15.0
DAYS_SECONDS = 60.0


class HistoryConfig(AppConfig):
    name = "kettle_web.history"
    label = "history"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kettle_web.core.periodic import periodic_register

        periodic_register("history.alarms-missed", _missed_watch, seconds=MISSED_SECONDS)
        periodic_register("history.days", _days_count, seconds=DAYS_SECONDS)
        periodic_register("history.alarm-mail", _mails_send, seconds=MAIL_SECONDS)


def _missed_watch(now: datetime) -> object:
    # Loaded with the first run: the models can be imported only after `ready`.
    return import_string("kettle_web.history.alarms.watch.missed_watch")(now)


def _mails_send(now: datetime) -> object:
    return import_string("kettle_web.history.alarms.outbox.mails_send")(now)


def _days_count(now: datetime) -> object:
    return import_string("kettle_web.history.days.days_count")(now)
