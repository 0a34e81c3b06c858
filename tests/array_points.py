"""Networks and ways of running them for the array door, and what it gives against the int door, point by point."""

from __future__ import annotations

import vggcost

STRUCTURES = {
    # Each way of training with one network at least; C has 1x1 convolutions, A-LRN temporaries, residual blocks wait.
    "A": {"training": True},
    "A-LRN": {"training": True, "optimizer": "momentum", "in_place": False, "mixed": "float16"},
    "C": {"training": True, "optimizer": "adamw", "implementation": "for-loop", "dtype": "bfloat16"},
    "D": {"batch_norm": True, "training": True, "optimizer": "adam", "accumulate": 4, "dtype": "float16"},
    "E": {"training": True, "optimizer": "adam", "implementation": "fused", "checkpoint": True, "mixed": "bfloat16"},
    "residual-vgg16": {"batch_norm": True, "training": True, "optimizer": "adam", "freeze": ("features",)},
    "B": {"in_place": False, "width": "0.3", "dtype": "int8"},
    "twelve-conv-vgg": {
        "head": (64,),
        "adaptive_pool": False,
        "softmax": True,
        "training": True,
        "optimizer": "adam",
        "dtype": "bfloat16",
        "master_weights": True,
    },
}


def int_door(name, options, batch, size, classes):
    totals = vggcost.memory(name, **options, batch=batch, size=size, classes=classes).totals
    return {field: value for field in totals._fields if (value := getattr(totals, field)) is not None}


def differing(found, name, options, points):
    """Where the arrays are not what the int door says."""
    wrong = []
    for place, (batch, height, width, classes) in points:
        expected = int_door(name, options, batch, (height, width), classes)
        assert list(expected) == list(found)
        wrong += [(field, place) for field in found if int(found[field][place]) != expected[field]]
    return wrong
