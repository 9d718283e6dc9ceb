"""Addresses of the Kettle servers and pools, below `endpoints/`; for administrators."""

from django.urls import path

from kettle_web.builds import endpoint_views as views

app_name = "endpoints"
urlpatterns = [
    path("", views.endpoint_list, name="list"),
    path("limits/", views.limits, name="limits"),
    path("add/", views.endpoint_add, name="add"),
    path("<int:pk>/", views.endpoint, name="endpoint"),
    # test, enable, disable, default, token, token-remove, remove
    path("<int:pk>/<slug:action>/", views.endpoint_action, name="endpoint-action"),
    path("pools/add/", views.pool_add, name="pool-add"),
    path("pools/<int:pk>/", views.pool, name="pool"),
    path("pools/<int:pk>/machines/", views.pool_machine_add, name="pool-machine-add"),
    # enable, disable, default
    path("pools/<int:pk>/<slug:action>/", views.pool_action, name="pool-action"),
]
