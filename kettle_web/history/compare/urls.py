"""Addresses of comparisons."""

from django.urls import path

from kettle_web.history.compare import views

app_name = "compare"
urlpatterns = [
    path("compare/<slug:uid>/<slug:other_uid>/", views.page, name="page"),
    path("compare/<slug:uid>/<slug:other_uid>/compare.json", views.document, name="json"),
    path("builds/<slug:uid>/compare/", views.choose, name="choose"),
    path("builds/<slug:uid>/compare/previous/", views.previous, name="previous"),
]
