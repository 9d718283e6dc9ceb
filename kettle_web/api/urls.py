"""The machine's addresses, below `api/v1/`."""

from django.urls import path

from kettle_web.api import views

app_name = "api"
urlpatterns = [path("builds/<slug:uid>", views.build, name="build")]
