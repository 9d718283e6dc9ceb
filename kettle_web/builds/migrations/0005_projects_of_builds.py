"""Put the builds that are there to the repositories that they were requested from."""

from django.db import migrations

from kettle_web.builds.projects import project_key


def fill(apps, schema_editor):
    build_model, project_model = apps.get_model("builds", "Build"), apps.get_model("builds", "Project")
    without = build_model.objects.filter(origin="repository", project=None).exclude(repo_url="")
    for url in list(without.order_by().values_list("repo_url", flat=True).distinct()):
        project = project_model.objects.get_or_create(key=project_key(url), defaults={"url": url})[0]
        without.filter(repo_url=url).update(project=project)


class Migration(migrations.Migration):
    dependencies = [("builds", "0004_projects")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
