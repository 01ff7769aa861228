"""Reading a training sample off the gradient of a linear layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError


def invert_linear_layer(
    weight_gradient: ArrayLike, bias_gradient: ArrayLike
) -> NDArray[np.float64]:
    """Return the layer's input, x = (dL/dW_i) / (dL/db_i), exact for a batch of one; (inputs,).

    Row i of the weight gradient is (dL/db_i) x. The row with the largest bias gradient is used,
    where rounding hurts least. For larger batches the result is a mean of inputs weighted by
    their dL/db_i; of a masked or padded update it is noise.

    Args:
        weight_gradient: (outputs, inputs), or a multiple such as an update after one SGD step.
        bias_gradient: (outputs,), the same multiple.

    Raises:
        ConfigError: shapes that do not belong together, or a bias gradient of zero.

    Reference: Geiping, Bauermeister, Droege, Moeller, NeurIPS 2020, proposition 3.1.

    >>> invert_linear_layer([[0.5, 1.0], [-1.0, -2.0]], [0.5, -1.0]).tolist()
    [1.0, 2.0]
    """
    weights = np.asarray(weight_gradient, dtype=np.float64)
    biases = np.asarray(bias_gradient, dtype=np.float64)
    if weights.ndim != 2 or biases.shape != weights.shape[:1]:
        raise ConfigError(
            f"gradients of shape {weights.shape} and {biases.shape}; allowed: (outputs, inputs) "
            "and (outputs,)"
        )
    row = int(np.argmax(np.abs(biases)))
    if biases[row] == 0:
        raise ConfigError("the bias gradient is zero; no input can be read off")
    return weights[row] / biases[row]
