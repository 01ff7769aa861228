"""Studies: a config becomes a grid of cells, cells are run and resumed, results live on disk.

    Study      model.py       the config, checked in one pass
    cells      grid.py        the grid it unfolds into
    run        run.py         a generator of events; plays what is missing
    RunFolder  folder.py      what is on disk

pydantic is imported in this package and nowhere else. Nothing here prints.
"""

from qfl.study.folder import RunFolder
from qfl.study.grid import cells, pairing_key
from qfl.study.model import Study
from qfl.study.run import run

__all__ = ["RunFolder", "Study", "cells", "pairing_key", "run"]
