"""Kettle Web: attested builds for people.

Importing any of the pure packages executes this file, so it holds nothing but this docstring: no Django, no Celery.
"""
