"""The fold of a symbol into a quadrant, which eight of the nine constellations do not notice."""

import torch
from torch import nn


class Fold(nn.Module):
    """Samples folded into a quadrant: ``[n, 2, size]`` to |I|, |Q| and, as a third channel of a
    "fold_sign", 1 where I and Q differ in sign and else 0."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        if self.kind == "fold":
            return iq.abs()
        negative = iq < 0
        differ = (negative[:, :1] ^ negative[:, 1:]).to(iq.dtype)
        return torch.cat([iq.abs(), differ], dim=1)
