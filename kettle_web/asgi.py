"""The ASGI application: Django for pages, Channels consumers for live streams."""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kettle_web.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

# Modules with models may be imported only now that Django is set up.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import re_path  # noqa: E402

from kettle_web.builds.changes import change_routes  # noqa: E402
from kettle_web.builds.streams import stream_routes  # noqa: E402
from kettle_web.core.bodylimit import BodyLimit  # noqa: E402
from kettle_web.core.formfiles import BODY_BYTES  # noqa: E402

_limited: Any = BodyLimit(cast(Any, django_application), BODY_BYTES)

application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                *(re_path(pattern, AuthMiddlewareStack(consumer)) for pattern, consumer in (*change_routes, *stream_routes)),
                re_path(r"", _limited),
            ]
        )
    }
)
