from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "kettle_web.builds"
    label = "builds"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kettle_web.builds import health, machines, provisioning, retention, timeouts
        from kettle_web.builds.logstore import logs_seal_due
        from kettle_web.core.periodic import periodic_register

        retention.references_register()
        periodic_register("builds.retention", retention.retention_run, seconds=retention.PRUNE_SECONDS)
        periodic_register("builds.timeouts", timeouts.timeouts_apply, seconds=timeouts.LOOK_SECONDS, limit_seconds=60)
        periodic_register("builds.seal_logs", logs_seal_due, seconds=15)
        periodic_register("builds.health", health.health_look, seconds=health.LOOK_SECONDS, limit_seconds=120)
        periodic_register("builds.machines", machines.machines_tidy, seconds=5, limit_seconds=60)
        periodic_register("builds.provisioning", provisioning.pools_supply, seconds=provisioning.LOOK_SECONDS, limit_seconds=60)
