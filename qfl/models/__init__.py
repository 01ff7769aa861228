"""M3T models: typed modules (encoder per modality, fusion, head per task), held in part by clients.

Modules are plain torch; nothing here knows of clients, rounds or keys.
"""
