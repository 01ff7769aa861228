"""What a study says about learning: task by task, along sweeps and streams, and after a request.

One file per table and its reading; each is empty where the study did not ask.
"""
