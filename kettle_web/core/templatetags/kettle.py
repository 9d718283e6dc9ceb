"""Filters and tags of the house; built in for every template."""

from django import template

register = template.Library()
