"""Files by their digest, at `artifacts/`."""

from django.urls import path

from kettle_web.history.artifacts import views

app_name = "artifacts"
urlpatterns = [
    path("", views.which, name="which"),
    path("sha256/<str:sha256>", views.artifact, name="page"),
]
