"""Challenges: what counts, over which time, and how far somebody is. Pure: no Django, no clock."""
