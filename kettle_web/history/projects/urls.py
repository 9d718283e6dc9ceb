"""Projects, at `projects/`."""

from django.urls import path

from kettle_web.history.alarms import views as alarm_views
from kettle_web.history.projects import views

app_name = "projects"
urlpatterns = [
    path("", views.projects, name="list"),
    path("<slug:slug>/", views.project, name="page"),
    path("<slug:slug>/builds.<str:form>", views.samples, name="samples"),
    path("<slug:slug>/messages/", alarm_views.subscription, name="messages"),
]
