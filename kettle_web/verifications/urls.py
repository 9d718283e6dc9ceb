"""Addresses of verifications, below `builds/`."""

from django.urls import path

from kettle_web.verifications import views

app_name = "verifications"
urlpatterns = [
    path("import/", views.import_bundle, name="import"),
    path("<slug:uid>/report.json", views.report, name="report"),
    path("<slug:uid>/reports/", views.reports, name="reports"),
    path("<slug:uid>/reports/<int:number>/", views.report_at, name="report-at"),
    path("<slug:uid>/reports/<int:number>/report.json", views.report_at_json, name="report-at-json"),
    path("<slug:uid>/reports/<int:number>/collateral.json", views.collateral, name="collateral"),
    path("<slug:uid>/artifacts/<slug:sha256>/<path:name>", views.artifact, name="artifact"),
    path("<slug:uid>/verify/", views.verify_again, name="verify-again"),
]
