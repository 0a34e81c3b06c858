"""Parameters of normalizations that no VGG has."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def layer_norm_params(elements: N, scale: int = 1, bias: int = 1) -> N:
    """Parameters of a layer normalization [elements]: a scale and a shift an element, each where its switch is 1.

    elements are those of the axes that are normalized together.
    Source: Ba et al. 2016, equation 4; torch.nn.LayerNorm.

    >>> layer_norm_params(768)      # each of ViT-B/16
    1536
    """
    return scale * elements + bias * elements
