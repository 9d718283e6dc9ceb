"""Alarms, at `alarms/`."""

from django.urls import path

from kettle_web.history.alarms import views

app_name = "alarms"
urlpatterns = [
    path("", views.alarms, name="list"),
    path("acknowledge/", views.acknowledge, name="acknowledge"),
    path("settings/", views.settings, name="settings"),
    path("feed.atom", views.feed, name="feed"),
    path("feed/<str:token>.atom", views.feed_by_token, name="feed-by-token"),
    path("feeds/", views.feed_create, name="feed-create"),
    path("feeds/<slug:uid>/revoke/", views.feed_revoke, name="feed-revoke"),
]
