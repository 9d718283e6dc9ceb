from django.urls import path

from kettle_web.core import views

app_name = "core"
urlpatterns = [path("health", views.health, name="health")]
