from django.urls import path

from kettle_web.builds import again_views, upload_views, views

app_name = "builds"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("new/sample/", views.sample, name="sample"),
    path("uploads/", upload_views.create, name="upload-create"),
    path("uploads/<str:uid>/", upload_views.upload, name="upload"),
    path("<str:uid>/stop/", views.stop, name="stop"),
    path("<str:uid>/again/", again_views.again, name="again"),
    path("<str:uid>/log.txt", views.log, name="log"),
    path("<str:uid>/files/<str:name>", views.file, name="file"),
]
