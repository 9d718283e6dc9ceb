from django.urls import URLPattern, URLResolver

app_name = "verifications"
urlpatterns: list[URLPattern | URLResolver] = []
