"""torch's functions that vggcost consciously has no formula for, by what they are; an audit names those it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOURIER = tuple(
    f"fft_{name}"
    for name in (
        *("fft", "fft2", "fftn", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ihfft", "ihfft2", "ihfftn"),
        *("irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn"),
    )
)

_LINEAR_ALGEBRA = tuple(
    f"linalg_{name}"
    for name in (
        *("cholesky", "cholesky_ex", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "householder_product", "inv"),
        *("inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex"),
        *("lu_solve", "matrix_exp", "matrix_power", "matrix_rank", "pinv", "qr", "slogdet", "solve", "solve_ex"),
        *("solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve"),
    )
)

UNCOUNTED: Mapping[str, frozenset[str]] = {
    "a Fourier transform": frozenset((*_FOURIER, "stft", "istft")),
    "a decomposition or a solver": frozenset(
        (
            *_LINEAR_ALGEBRA,
            *("cholesky", "cholesky_inverse", "cholesky_solve", "det", "geqrf", "inverse", "lobpcg", "logdet", "lu"),
            *("lu_solve", "lu_unpack", "matrix_exp", "matrix_power", "nuclear_norm", "orgqr", "ormqr", "pca_lowrank"),
            *("pinverse", "qr", "slogdet", "svd", "svd_lowrank", "triangular_solve"),
        )
    ),
    "distances or covariances of all pairs": frozenset(("cdist", "pdist", "corrcoef", "cov")),
    "a product with a sparse tensor": frozenset(
        ("dsmm", "hsmm", "hspmm", "saddmm", "smm", "spmm", "sspaddmm", "_sparse_mask_projection", "sparse_mask")
    ),
    "an operator of one vendor": frozenset(
        (
            *("miopen_convolution", "miopen_convolution_add_relu", "miopen_convolution_relu", "miopen_rnn"),
            *("miopen_convolution_transpose", "miopen_depthwise_convolution"),
        )
    ),
    "a product whose weight is packed": frozenset(
        (
            *("fbgemm_linear_fp16_weight", "fbgemm_linear_fp16_weight_fp32_activation"),
            "fbgemm_linear_int8_weight_fp32_activation",
        )
    ),
    "a function that the program gives": frozenset(("apply_", "map_", "map2_", "backward")),
}
"""What each is, and the functions and methods of that sort."""
