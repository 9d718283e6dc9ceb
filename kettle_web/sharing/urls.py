"""Addresses of links: `builds/<uid>/links/` for those who share, `s/<token>/` for everyone who holds one."""

from django.urls import path

from kettle_web.sharing import views

app_name = "sharing"
urlpatterns = [
    path("builds/<slug:uid>/links/", views.create, name="create"),
    path("builds/<slug:uid>/links/<slug:link_uid>/revoke/", views.revoke, name="revoke"),
    path("s/<str:token>/", views.page, name="page"),
    path("s/<str:token>/report.json", views.report, name="report"),
    path("s/<str:token>/files/<str:name>", views.raw_file, name="file"),
    path("s/<str:token>/artifacts/<str:sha256>/<path:name>", views.artifact, name="artifact"),
]
