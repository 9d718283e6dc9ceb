import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import kettle_web.sharing.models


class Migration(migrations.Migration):

    dependencies = [
        ('sharing', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='sharelink',
            name='artifact_sha256',
            field=models.BinaryField(blank=True, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='parts',
            field=models.JSONField(default=kettle_web.sharing.models.parts_default),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='passphrase_fails',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='passphrase_fails_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='passphrase_hash',
            field=models.CharField(blank=True, default='', max_length=256),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='ref',
            field=models.CharField(blank=True, default='', max_length=255),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='repository',
            field=models.CharField(blank=True, default='', max_length=2000),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='scope',
            field=models.CharField(choices=[('build', 'one build'), ('artifact', 'one file of a build'), ('latest', 'the latest build of a repository')], default='build', max_length=10),
        ),
        migrations.AlterField(
            model_name='sharelink',
            name='build',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='builds.build'),
        ),
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kid', models.CharField(max_length=64, unique=True)),
                ('private_encrypted', models.TextField(blank=True, default='')),
                ('public_pem', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('is_in_use', models.BooleanField(null=True, unique=True)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='ShareView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('what', models.CharField(max_length=12)),
                ('client', models.CharField(blank=True, default='', max_length=16)),
                ('link', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='views', to='sharing.sharelink')),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['link', '-id'], name='share_view_newest')],
            },
        ),
    ]
