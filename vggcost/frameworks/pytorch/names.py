"""torch's functions and methods by name: which only ask, which move elements, which make tensors, which need values.

What stands in none of these sets, has no rule (`rules`) and is not free (`free`) is an operation that vggcost does not
know; those that it consciously does not count are listed in `uncounted`.
"""

from __future__ import annotations

PASSIVE = frozenset(
    (
        *(
            "size",
            "dim",
            "ndimension",
            "stride",
            "numel",
            "nelement",
            "is_contiguous",
            "is_floating_point",
            "is_complex",
        ),
        *("__len__", "element_size", "storage_offset", "get_device", "data_ptr", "requires_grad_", "_set_grad_enabled"),
        *("_version", "__hash__", "__repr__", "__format__", "is_tensor", "result_type", "can_cast", "register_hook"),
        *(
            "has_names",
            "is_same_size",
            "is_signed",
            "is_inference",
            "is_pinned",
            "is_shared",
            "__setstate__",
            "__reduce_ex__",
        ),
        *("is_conj", "is_neg", "is_coalesced", "is_distributed", "is_set_to", "dim_order", "dense_dim", "sparse_dim"),
        *("q_scale", "q_zero_point", "q_per_channel_axis", "q_per_channel_scales", "q_per_channel_zero_points"),
        *("qscheme", "storage", "untyped_storage", "storage_type", "share_memory_", "const_data_ptr", "__dlpack__"),
        *("__dlpack_device__", "_is_view", "_nnz", "_dimI", "_dimV", "record_stream", "retain_grad", "_coalesced_"),
        *("register_post_accumulate_grad_hook", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not"),
        *("sym_sum", "_nested_tensor_size", "_nested_tensor_storage_offsets", "_nested_tensor_strides", "autocast"),
        *("_clear_non_serializable_cached_data", "module_load", "__array_wrap__"),
        *("_has_compatible_shallow_copy_type", "set_grad_enabled", "get_default_dtype", "__set__", "__delete__"),
    )
)
"""What only asks, or sets a flag."""

VIEWS = frozenset(
    (
        *(
            "view",
            "reshape",
            "flatten",
            "unflatten",
            "ravel",
            "permute",
            "transpose",
            "swapaxes",
            "movedim",
            "t",
            "adjoint",
        ),
        *("squeeze", "unsqueeze", "expand", "expand_as", "view_as", "reshape_as", "narrow", "select", "chunk", "split"),
        *("hsplit", "vsplit", "dsplit", "unsafe_split", "unsafe_chunk", "unsafe_split_with_sizes", "as_strided"),
        *("as_strided_", "swapdims", "swapdims_", "moveaxis", "atleast_1d", "atleast_2d", "atleast_3d", "_values"),
        *("broadcast_tensors", "indices", "_indices", "values", "crow_indices", "col_indices", "ccol_indices"),
        *("row_indices", "sparse_resize_", "sparse_resize_and_clear_", "__reversed__"),
        *("unbind", "__iter__", "tensor_split", "detach", "contiguous", "clone", "alias", "detach_", "__getitem__"),
        *(
            "channel_shuffle",
            "pixel_shuffle",
            "pixel_unshuffle",
            "diagonal",
            "broadcast_to",
            "split_with_sizes",
            "repeat",
        ),
        *(
            "squeeze_",
            "unsqueeze_",
            "t_",
            "transpose_",
            "swapaxes_",
            "as_subclass",
            "_make_subclass",
            "deepcopy",
            "__deepcopy__",
        ),
    )
)
"""What moves or renames elements and computes nothing; torch itself works out their shapes."""

COPIES = frozenset(
    (
        *("to", "cuda", "cpu", "float", "double", "half", "bfloat16", "type", "type_as", "xpu", "mps", "ipu", "mtia"),
        *("long", "int", "short", "char", "byte", "bool", "cfloat", "cdouble", "chalf"),
    )
)
"""What changes the device or dtype. Nothing moves here: all tensors are without memory, on every device."""

FACTORIES = frozenset(("zeros", "ones", "full", "rand", "randn", "normal", "empty", "empty_strided", "eye"))
"""What makes a tensor; empty ones have no values to lose, the others keep theirs while they are small."""

LIKES = frozenset(("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like"))

VALUE_SEEKERS = frozenset(
    (
        *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__complex__", "__array__"),
        *(
            "nonzero",
            "unique",
            "masked_select",
            "equal",
            "allclose",
            "is_nonzero",
            "argwhere",
            "bincount",
            "__contains__",
            "__nonzero__",
            "__long__",
            "unique_consecutive",
            "nonzero_static",
        ),
    )
)
"""What asks for values, or has an output whose shape depends on them."""

_WRITING_OPERATORS = frozenset(
    (
        *("__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ifloordiv__", "__imod__", "__ipow__"),
        *("__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "__setitem__"),
    )
)


def writes(name: str) -> bool:
    """Whether a function writes into its first argument: ``add_``, ``__iadd__``."""
    return name in _WRITING_OPERATORS if name.endswith("__") else name.endswith("_")


def plain(name: str) -> str:
    """Return what a function is called without its form: ``add`` for ``add_``, ``__add__`` and ``__iadd__``."""
    bare = name.strip("_")
    return bare.removeprefix("i") if name in _WRITING_OPERATORS else bare


def spoken(name: str) -> str:
    """Return what a person calls a function: ``in-place addition`` for ``__iadd__``."""
    words = {"add": "addition", "sub": "subtraction", "mul": "multiplication", "div": "division", "truediv": "division"}
    bare = plain(name)
    said = words.get(bare, bare)
    return f"in-place {said}" if writes(name) and bare in words else said
