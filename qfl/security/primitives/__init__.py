"""Seals made of standard parts from `cryptography`; nothing here knows a pool or a header."""
