import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('builds', '0005_projects_of_builds'),
    ]

    operations = [
        migrations.AddField(
            model_name='build',
            name='again_of',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='built_again', to='builds.build'),
        ),
        migrations.AddField(
            model_name='build',
            name='again_way',
            field=models.CharField(blank=True, choices=[('retry', 'a retry'), ('same', 'the same source again'), ('present', "the same request at the ref's present commit")], default='', max_length=8),
        ),
        migrations.AddField(model_name='build', name='log_removed_at', field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name='build', name='result_removed_at', field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name='build', name='artifacts_removed_at', field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name='build', name='source_removed_at', field=models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            model_name='build',
            index=models.Index(condition=models.Q(('log_removed_at', None)), fields=['finished_at'], name='build_log_kept'),
        ),
        migrations.AddIndex(
            model_name='build',
            index=models.Index(condition=models.Q(('result_removed_at', None)), fields=['finished_at'], name='build_result_kept'),
        ),
        migrations.AddIndex(
            model_name='build',
            index=models.Index(condition=models.Q(('artifacts_removed_at', None)), fields=['finished_at'], name='build_artifacts_kept'),
        ),
        migrations.AddIndex(
            model_name='build',
            index=models.Index(condition=models.Q(('source_removed_at', None)), fields=['finished_at'], name='build_source_kept'),
        ),
    ]
