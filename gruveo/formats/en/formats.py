"""Dates in English, for readers on both sides of the Atlantic; other languages have Django's forms."""

DATE_FORMAT = "j F Y"
