"""torch's functions and methods that are known to do no multiply-accumulate, by what they do instead.

A MAC is counted where a product is added up by an operation that is made for it: a convolution, a product of matrices,
a dot product. Arithmetic element by element is none, whatever is done with it later: `(x * y).sum()` is a product and
a sum here, as it is to every counter. Shapes are torch's own: its meta kernels work them out.
"""

from __future__ import annotations

from vggcost.frameworks.pytorch.names import plain, writes

_POINTWISE = (
    *("absolute", "acos", "acosh", "addcdiv", "addcmul", "addr", "angle", "arccos", "arccosh", "arcsin", "arcsinh"),
    *("arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_left_shift"),
    *("bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "clamp_max", "clamp_min", "complex", "conj"),
    *("conj_physical", "copysign", "cosh", "deg2rad", "digamma", "erfc", "erfinv", "exp2", "expm1", "fix"),
    *("float_power", "floor_divide", "fmax", "fmin", "fmod", "frac", "frexp", "gcd", "hardshrink", "heaviside"),
    *("hypot", "i0", "igamma", "igammac", "imag", "lcm", "ldexp", "lerp", "lgamma", "log10", "log1p", "log2"),
    *("log_sigmoid", "logaddexp", "logaddexp2", "logit", "mvlgamma", "nan_to_num", "negative", "nextafter", "polar"),
    *("polygamma", "positive", "rad2deg", "real", "remainder", "resolve_conj", "resolve_neg", "sgn", "signbit", "sinc"),
    *("sinh", "softmin", "softshrink", "tan", "tanhshrink", "trunc", "xlogy", "glu", "_threshold", "gumbel_softmax"),
    *("__and__", "__rand__", "__or__", "__ror__", "__xor__", "__rxor__", "__invert__", "__lshift__", "__rlshift__"),
    *("__rshift__", "__rrshift__", "__mod__", "__rmod__", "__floordiv__", "__rfloordiv__", "__rdiv__"),
    *("view_as_complex", "view_as_real", "outer", "ger", "kron", "cross", "linalg_cross", "dequantize", "int_repr"),
    *("_autocast_to_full_precision", "_autocast_to_reduced_precision", "_sym_sqrt", "fill_diagonal", "renorm"),
)
"""Element by element. An outer product adds nothing up: each of its outputs is one product."""

_SPECIAL = tuple(
    f"special_{name}"
    for name in (
        *("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "digamma", "entr"),
        *("chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "erf", "erfc", "erfcx"),
        *("erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln", "hermite_polynomial_h"),
        *("hermite_polynomial_he", "i0", "i0e", "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p"),
        *("log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "modified_bessel_i0", "modified_bessel_i1"),
        *("modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round"),
        *("scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t", "sinc"),
        *("shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w"),
        *("softmax", "spherical_bessel_j0", "xlog1py", "xlogy", "zeta"),
    )
)
"""Functions of one or two elements that have a name in mathematics."""

_COMPARISONS = (
    *("eq", "ne", "lt", "le", "gt", "ge", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "where"),
    *("logical_not", "logical_and", "logical_or", "logical_xor", "greater", "greater_equal", "less", "less_equal"),
    *("not_equal", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal"),
)

_REDUCTIONS = (
    *("sum", "amax", "amin", "max", "min", "argmax", "argmin", "var", "std", "norm", "prod", "all", "any"),
    *("cumprod", "logsumexp", "aminmax", "count_nonzero", "cummax", "cummin", "cumulative_trapezoid", "diff", "dist"),
    *("frobenius_norm", "gradient", "hash_tensor", "kthvalue", "linalg_norm", "linalg_matrix_norm", "mode", "median"),
    *("linalg_vector_norm", "logcumsumexp", "nanmean", "nanmedian", "nanquantile", "nansum", "native_norm"),
    *("norm_except_dim", "quantile", "std_mean", "sum_to_size", "trace", "trapezoid", "trapz", "var_mean"),
    *("cosine_similarity", "pairwise_distance", "_weight_norm", "_weight_norm_interface"),
)
"""Sums, means, norms, extremes, and distances made of them; a matrix norm by its singular values is not among them."""

_ORDER = ("topk", "sort", "argsort", "msort", "searchsorted", "bucketize", "histc", "histogram", "histogramdd")

_PLACES = (
    *("stack", "hstack", "vstack", "dstack", "column_stack", "row_stack", "block_diag", "tril"),
    *("triu", "masked_fill", "gather", "index_select", "cartesian_prod", "combinations", "constant_pad_nd", "diag"),
    *("diag_embed", "diagflat", "linalg_diagonal", "fliplr", "flipud", "rot90", "index", "index_add", "index_copy"),
    *("index_fill", "index_put", "index_reduce", "masked_scatter", "put", "scatter", "scatter_add", "scatter_reduce"),
    *("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter", "slice_inverse", "take"),
    *("take_along_dim", "tile", "repeat_interleave", "unravel_index", "one_hot", "setitem", "copy", "zero", "fill"),
    *("unfold", "fold", "native_channel_shuffle"),
    *("max_unpool1d", "max_unpool2d", "max_unpool3d", "to_dense", "_to_dense", "to_sparse", "to_mkldnn", "coalesce"),
    *(
        "im2col",
        "col2im",
        "fft_fftshift",
        "fft_ifftshift",
        "linalg_vander",
        "vander",
        "_pack_padded_sequence",
        "_pad_packed_sequence",
    ),
    *("set", "resize", "resize_as", "resize_as_sparse", "pin_memory"),
)
"""Joints, indices, scatters, patches: elements are moved, or added where they meet."""

_COPIES = tuple(
    f"{name}_copy"
    for name in (
        *("alias", "as_strided", "ccol_indices", "col_indices", "crow_indices", "detach", "diagonal", "expand"),
        *("indices", "narrow", "permute", "row_indices", "select", "slice", "split", "split_with_sizes", "squeeze"),
        *("t", "transpose", "unbind", "unfold", "unsqueeze", "values", "view", "view_as_complex", "view_as_real"),
    )
)
"""The views that torch also has as copies."""

_SAMPLING = ("interpolate", "grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
_GRIDS = ("affine_grid", "affine_grid_generator")
"""Interpolation: a few neighbours of each output are weighed, which no counter takes for multiply-accumulates."""

_NORMS = (
    *("native_batch_norm", "native_group_norm", "native_layer_norm", "batch_norm_elemt", "batch_norm_stats"),
    *("batch_norm_update_stats", "batch_norm_gather_stats", "batch_norm_gather_stats_with_counts"),
    *("batch_norm_backward_elemt", "batch_norm_backward_reduce", "miopen_batch_norm", "quantized_batch_norm"),
)

_LOSSES = (
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy"),
    *("ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss"),
    *("margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss"),
    *("poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss"),
)

_CHANCE = (
    *("normal", "uniform", "bernoulli", "binomial", "cauchy", "exponential", "geometric", "log_normal", "multinomial"),
    *("poisson", "random", "feature_dropout", "native_dropout"),
)

_TABLES = ("arange", "linspace", "logspace", "tensor", "meshgrid")

_QUANTIZED_TENSORS = (
    *("quantize_per_channel", "quantize_per_tensor", "quantize_per_tensor_dynamic", "fused_moving_avg_obs_fake_quant"),
    *("fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine", "choose_qparams_optimized"),
    *("quantized_max_pool1d", "quantized_max_pool2d", "quantized_max_pool3d"),
    *("fbgemm_linear_quantize_weight", "fbgemm_pack_gemm_matrix_fp16", "fbgemm_pack_quantized_matrix"),
)

_QUANTIZED = tuple(
    f"quantized::{name}"
    for name in (
        *("add", "add_relu", "add_scalar", "add_scalar_relu", "mul", "mul_relu", "mul_scalar", "mul_scalar_relu"),
        *("add_out", "mul_out", "batch_norm", "batch_norm_relu", "batch_norm1d", "batch_norm1d_relu", "batch_norm2d"),
        *("batch_norm2d_relu", "batch_norm3d", "batch_norm3d_relu", "cat", "cat_relu", "celu", "clamp", "dropout"),
        *("elu", "group_norm", "hardswish", "instance_norm", "layer_norm", "leaky_relu", "max_pool1d", "max_pool2d"),
        *("prelu", "relu6", "sigmoid", "softmax", "threshold"),
    )
)
"""Operators over quantized tensors, with their namespace."""

FREE = frozenset(
    (
        *(*_POINTWISE, *_SPECIAL, *_COMPARISONS, *_REDUCTIONS, *_ORDER, *_PLACES, *_COPIES, *_SAMPLING, *_GRIDS),
        *(*_NORMS, *_LOSSES, *_CHANCE, *_TABLES, *_QUANTIZED_TENSORS, *_QUANTIZED),
    )
)
"""What is known to do no multiply-accumulate, and whose shapes torch works out."""


def is_free(name: str) -> bool:
    """Whether a function or method, in place or not, is known to do no multiply-accumulate."""
    return name in FREE or (writes(name) and plain(name) in FREE)
