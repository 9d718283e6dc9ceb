"""Addresses of verifications, below `builds/`."""

from django.urls import path

from kettle_web.verifications import views

app_name = "verifications"
urlpatterns = [
    path("import/", views.import_bundle, name="import"),
    path("<slug:uid>/report.json", views.report, name="report"),
    path("<slug:uid>/artifacts/<slug:sha256>/<path:name>", views.artifact, name="artifact"),
    path("<slug:uid>/verify/", views.verify_again, name="verify-again"),
]
