import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0006_again_and_kept")]

    operations = [
        migrations.AddField(model_name="eventchunk", name="lines", field=models.PositiveIntegerField(default=0)),
        migrations.AddField(model_name="eventchunk", name="size", field=models.PositiveIntegerField(default=0)),
        migrations.CreateModel(
            name="SealedLog",
            fields=[
                (
                    "build",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sealed_log",
                        serialize=False,
                        to="builds.build",
                    ),
                ),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                ("size", models.BigIntegerField()),
                ("events", models.BigIntegerField()),
                ("lines", models.BigIntegerField()),
                ("error_line", models.BigIntegerField(blank=True, null=True)),
                ("sealed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
