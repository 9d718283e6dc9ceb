"""The search index in its lasting form. What it says of builds that are here already is written by the worker, or `manage.py reindex`."""

import django.db.models.deletion
from django.db import migrations, models

import kettle_web.verifications.search.models
from kettle_web.verifications.search.tables import tables_prepare


def search_tables(apps, schema_editor):
    # SQLite's schema editor collects nothing: the tables of the operations before this one are there.
    if said := tables_prepare(schema_editor.connection):
        print(f"\n    {said}")


def repositories_fill(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "INSERT INTO verifications_repository_fts(verifications_repository_fts) VALUES ('rebuild')"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('builds', '0003_phase_times'),
        ('verifications', '0005_due'),
    ]

    operations = [
        migrations.CreateModel(
            name='DayCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('owner_id', models.BigIntegerField()),
                ('bucket', models.SmallIntegerField()),
                ('builds', models.PositiveIntegerField()),
                ('failed', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'owner_id', 'bucket'), name='day_count_once')],
            },
        ),
        migrations.CreateModel(
            name='DayStale',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='SearchRow',
            fields=[
                ('build', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_row', serialize=False, to='builds.build')),
                ('tokens', kettle_web.verifications.search.models.TokensField()),
            ],
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=12)),
                ('text', models.CharField(max_length=300)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('text', 'kind'), name='term_once')],
            },
        ),
        migrations.AddField(model_name='buildindex', name='artifact_bytes', field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name='buildindex', name='chip_id', field=models.CharField(blank=True, default='', max_length=128)),
        migrations.AddField(model_name='buildindex', name='duration_ms', field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name='buildindex', name='finished_on', field=models.DateTimeField(null=True)),
        migrations.AddField(model_name='buildindex', name='is_seeded', field=models.BooleanField(default=False)),
        migrations.AddField(model_name='buildindex', name='started_on', field=models.DateTimeField(null=True)),
        migrations.AddField(model_name='buildindex', name='toolchain_version', field=models.CharField(blank=True, default='', max_length=100)),
        migrations.AlterField(model_name='artifact', name='sha256', field=models.BinaryField(max_length=32)),
        migrations.AlterField(model_name='buildindex', name='measurement', field=models.CharField(blank=True, default='', max_length=96)),
        migrations.AlterField(
            model_name='buildindex',
            name='repository',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='verifications.repository'),
        ),
        migrations.AddIndex(model_name='artifact', index=models.Index(fields=['sha256', '-build'], name='artifact_digest_newest')),
        migrations.AddIndex(model_name='buildindex', index=models.Index(fields=['repository', '-build'], name='index_repository_newest')),
        migrations.AddIndex(model_name='buildindex', index=models.Index(fields=['measurement', '-build'], name='index_measurement_newest')),
        migrations.CreateModel(
            name='PackageDigest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(db_index=True, max_length=200)),
                ('package', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='digests', to='verifications.package')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('package', 'digest'), name='package_digest_once')],
            },
        ),
        # A key of two columns cannot be had by altering: the rows wait beside the table while it is made anew.
        migrations.RunSQL(
            "CREATE TABLE verifications_buildpackage_kept AS SELECT DISTINCT build_id, package_id FROM verifications_buildpackage",
            migrations.RunSQL.noop,
        ),
        migrations.DeleteModel(name='BuildPackage'),
        migrations.CreateModel(
            name='BuildPackage',
            fields=[
                ('pk', models.CompositePrimaryKey('package_id', 'build_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('build', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='packages', to='builds.build')),
                ('digest', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='verifications.packagedigest')),
                ('package', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='verifications.package')),
            ],
        ),
        migrations.RunSQL(
            "INSERT INTO verifications_buildpackage (build_id, package_id) SELECT build_id, package_id FROM verifications_buildpackage_kept",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL("DROP TABLE verifications_buildpackage_kept", migrations.RunSQL.noop),
        migrations.RunPython(search_tables, migrations.RunPython.noop),
        migrations.RunPython(repositories_fill, migrations.RunPython.noop),
    ]
