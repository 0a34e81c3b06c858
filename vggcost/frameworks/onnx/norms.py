"""What ONNX's normalizations do to shapes, which they keep: a rule an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network import foreign_norms, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from vggcost.frameworks.onnx.call import Call


def batch_norm(call: Call) -> Plan:
    """BatchNormalization; its mean and variance are no parameters."""
    shape, channels = call.shape(), call.shape(1)[0]
    kinds = {4: layers.BatchNorm2d, 5: foreign_norms.BatchNorm3d}
    kind = kinds.get(len(shape), foreign_norms.BatchNorm1d)
    fields: dict[str, Any] = {"channels": channels, "affine": True}
    problem = f"takes {channels:,} channels and gets {shape[1]:,}" if channels != shape[1] else None
    return Plan(kind, fields, shape, shape, kind("", None, **fields).apply(shape)[1], problem, (shape, (channels,)))


def group_norm(call: Call) -> Plan:
    """GroupNormalization."""
    shape = call.shape()
    fields: dict[str, Any] = {"groups": int(call.attribute("num_groups")), "channels": shape[1]}
    return Plan(foreign_norms.GroupNorm, fields, shape, shape, Ledger())


def instance_norm(call: Call) -> Plan:
    """InstanceNormalization."""
    shape = call.shape()
    fields: dict[str, Any] = {"axes": len(shape) - 2, "channels": shape[1], "affine": call.is_learned(1)}
    return Plan(foreign_norms.InstanceNorm, fields, shape, shape, Ledger())


def layer_norm(call: Call) -> Plan:
    """LayerNormalization."""
    shape = call.shape()
    normalized = shape[int(call.attribute("axis", -1)) % len(shape) :]
    fields: dict[str, Any] = {"normalized": normalized, "affine": call.is_learned(1), "shift": call.given(2)}
    return Plan(foreign_norms.LayerNorm, fields, shape, shape, Ledger())


def rms_norm(call: Call) -> Plan:
    """RMSNormalization."""
    shape = call.shape()
    normalized = shape[int(call.attribute("axis", -1)) % len(shape) :]
    fields: dict[str, Any] = {"normalized": normalized, "affine": call.is_learned(1), "shift": False}
    return Plan(foreign_norms.RMSNorm, fields, shape, shape, Ledger())


def local_response_norm(call: Call) -> Plan:
    """LRN, whose alpha is divided by the size as torch's is."""
    shape, size = call.shape(), int(call.attribute("size"))
    fields: dict[str, Any] = {
        "size": size,
        "alpha": call.attribute("alpha", 1e-4) / size,
        "beta": call.attribute("beta", 0.75),
        "k": call.attribute("bias", 1.0),
    }
    return Plan(
        layers.LocalResponseNorm, fields, shape, shape, layers.LocalResponseNorm("", None, **fields).apply(shape)[1]
    )
