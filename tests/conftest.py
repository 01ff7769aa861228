"""One torch thread for every test, and nothing else that is global."""

import torch

torch.set_num_threads(1)
