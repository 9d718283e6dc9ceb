"""The history, at `builds/`."""

from django.urls import path

from kettle_web.history import views

app_name = "history"
urlpatterns = [
    path("", views.history, name="list"),
    path("suggest/", views.suggest, name="suggest"),
    path("table.<str:form>", views.history_table, name="table"),
]
