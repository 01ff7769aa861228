"""A run on disk as the report sees it: its finished runs, and what can be read off each of them.

Numbers and sets as they were recorded; nothing is averaged over seeds or compared here.
"""
