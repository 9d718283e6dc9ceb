"""Dependencies, at `dependencies/`."""

from django.urls import path

from kettle_web.history.dependencies import views

app_name = "dependencies"
urlpatterns = [
    path("", views.dependencies, name="list"),
    path("affected/", views.affected, name="affected"),
    path("affected.<str:form>", views.table, name="table"),
    path("<slug:ecosystem>/<path:name>/", views.package, name="package"),
]
