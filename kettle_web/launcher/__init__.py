"""Starts, watches and ends the processes of one site: web server, worker, embedded builder.

The launcher itself is made of the standard library alone, because it also makes the environment that everything else is
installed in. It must never import Django, Celery or any installed package; only `web` and `prepare`, which it starts as
processes of their own, do.
"""
