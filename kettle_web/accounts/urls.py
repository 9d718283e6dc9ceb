"""Addresses about people, below `account/`."""

from django.urls import path

from kettle_web.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("password/", views.password, name="password"),
    path("people/", views.people, name="people"),
    # disable, enable, promote, demote, reset
    path("people/<int:pk>/<slug:action>/", views.person, name="person"),
]
