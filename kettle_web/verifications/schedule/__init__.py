"""Judging again: when each build is due, what is kept when nothing changed, and what a date in the allow-list sets off.

An earlier report is never changed in what it says; one that was found again only learns until when.
"""
