"""Addresses about people, below `account/`."""

from django.urls import path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from kettle_web.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    # Kept in a cookie, for people with an account; strangers choose by `?lang=` and get no cookie.
    path("language/", require_POST(set_language), name="language"),
    path("password/", views.password, name="password"),
    path("people/", views.people, name="people"),
    # disable, enable, promote, demote, reset
    path("people/<int:pk>/<slug:action>/", views.person, name="person"),
]
