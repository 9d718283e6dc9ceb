"""Addresses of the pages that show several apps at once."""

from django.urls import path, re_path

from kettle_web.core.ids import ALPHABET, LENGTH
from kettle_web.pages import views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("builds/rows/", views.rows, name="rows"),
    # Exactly the shape of an identifier: `builds/new/` and its like belong to other apps.
    re_path(rf"^builds/(?P<uid>[{ALPHABET}]{{{LENGTH}}})/$", views.build, name="build"),
]
