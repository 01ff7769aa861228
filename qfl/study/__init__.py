"""Studies: a config becomes a grid of cells, cells are run and resumed, results live on disk.

pydantic is imported here and nowhere else (`model.py`). Nothing here prints: `run` yields events.
"""
