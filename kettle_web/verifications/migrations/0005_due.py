"""Builds that were judged before there was a schedule are due at once; each pass takes only so many."""

from django.db import migrations
from django.utils import timezone


def fill(apps, schema_editor):
    report_model, due_model = apps.get_model("verifications", "Report"), apps.get_model("verifications", "JudgementDue")
    now = timezone.now()
    keys = report_model.objects.order_by().values_list("build_id", flat=True).distinct()
    rows = (due_model(build_id=key, due_at=now) for key in keys.iterator(chunk_size=2000))
    due_model.objects.bulk_create(list(rows), batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("verifications", "0004_schedule")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
