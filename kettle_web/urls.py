"""Every address of the site. Each app has its own `urls`; what is public is marked so in its view."""

from django.urls import include, path

handler500 = "kettle_web.core.broken.broken"

urlpatterns = [
    path("", include("kettle_web.core.urls")),
    path("account/", include("kettle_web.accounts.urls")),
    path("endpoints/", include("kettle_web.builds.endpoint_urls")),
    path("builds/", include("kettle_web.history.urls")),
    path("builds/", include("kettle_web.builds.urls")),
    path("builds/", include("kettle_web.verifications.urls")),
    path("builds/", include("kettle_web.verifications.explorer.urls")),
    path("policy/", include("kettle_web.verifications.policy.urls")),
    # Both `builds/<uid>/links/` and the public `s/<token>/`.
    path("", include("kettle_web.sharing.urls")),
    # Both `compare/` and `builds/<uid>/compare/`.
    path("", include("kettle_web.history.compare.urls")),
    path("projects/", include("kettle_web.history.projects.urls")),
    path("artifacts/", include("kettle_web.history.artifacts.urls")),
    path("dependencies/", include("kettle_web.history.dependencies.urls")),
    path("alarms/", include("kettle_web.history.alarms.urls")),
    path("api/v1/", include("kettle_web.api.urls")),
    # Last: its `builds/<uid>/` would otherwise take `builds/new/`.
    path("", include("kettle_web.pages.urls")),
]
