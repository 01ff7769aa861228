"""Clusters of clients that share copies of modules: who is in which, and the server's book of both.

A module placed `cluster` is averaged inside every cluster alone. The server keeps one copy of it
for each, and an envelope names the copies in it. `copies` keeps the book; every other file is one
way to divide clients, from what a server may know.
"""
