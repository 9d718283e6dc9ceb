"""Addresses of the allow-list, below `policy/`."""

from django.urls import path, re_path

from kettle_web.verifications.policy import views

app_name = "policy"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("add/", views.add, name="add"),
    path("import/", views.import_file, name="import"),
    path("policy.json", views.in_force, name="in-force"),
    path("entries/<slug:uid>/", views.entry, name="entry"),
    path("entries/<slug:uid>/approve/", views.approve, name="approve"),
    path("entries/<slug:uid>/end/", views.end, name="end"),
    re_path(r"^versions/(?P<sha256>[0-9a-f]{64})\.json$", views.version, name="version"),
]
