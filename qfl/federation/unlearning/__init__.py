"""Forgetting clients, a modality or a task after training, and checking that it is gone.

Requests say what; `retrain`, `sharded` and `replay` say how; `course` plays a federation that is
asked to forget; `verification` measures what is left.
"""
