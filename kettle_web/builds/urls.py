from django.urls import path

from kettle_web.builds import again_views, log_views, upload_views, views

app_name = "builds"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("new/sample/", views.sample, name="sample"),
    path("uploads/", upload_views.create, name="upload-create"),
    path("uploads/<str:uid>/", upload_views.upload, name="upload"),
    path("<str:uid>/stop/", views.stop, name="stop"),
    path("<str:uid>/again/", again_views.again, name="again"),
    path("<str:uid>/log/", log_views.page, name="log-page"),
    path("<str:uid>/log/lines.json", log_views.lines, name="log-lines"),
    path("<str:uid>/log/search.json", log_views.search, name="log-search"),
    path("<str:uid>/log/error", log_views.first_error, name="log-error"),
    path("<str:uid>/log.txt", log_views.text, name="log"),
    path("<str:uid>/log.txt.gz", log_views.text_gzip, name="log-gzip"),
    path("<str:uid>/files/<str:name>", views.file, name="file"),
]
