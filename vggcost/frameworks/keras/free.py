"""Keras's layers and operations that are known to do no multiply-accumulate, by the names of their classes."""

from __future__ import annotations

ACTIVATIONS = frozenset(
    (
        *("Celu", "ELU", "Elu", "Gelu", "Glu", "HardShrink", "HardSigmoid", "HardSilu", "HardTanh", "LeakyReLU"),
        *("LeakyRelu", "LogSigmoid", "LogSoftmax", "PReLU", "Relu", "Relu6", "Selu", "Sigmoid", "Silu"),
        *("SoftShrink", "Softplus", "Softsign", "SparsePlus", "SparseSigmoid", "Sparsemax", "Squareplus", "Tanh"),
        *("TanhShrink", "Threshold"),
    )
)
"""Functions of one element, or of a row of them."""

ELEMENTWISE = frozenset(
    (
        *("Abs", "Absolute", "Angle", "Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan", "Arctan2", "Arctanh"),
        *("Average", "BitwiseAnd", "BitwiseInvert", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cbrt", "Ceil"),
        *("Clip", "Conj", "Cos", "Cosh", "Deg2rad", "Divide", "DivideNoNan", "Equal", "Erf", "Erfc", "Erfinv"),
        *("Exp", "Exp2", "Expm1", "Fabs", "Floor", "FloorDivide", "Fmax", "Fmin", "Fmod", "Greater"),
        *("GreaterEqual", "Heaviside", "Hypot", "Imag", "Isclose", "Isfinite", "Isinf", "Isnan", "Less"),
        *("LessEqual", "Log", "Log10", "Log1p", "Log2", "Logaddexp", "Logaddexp2", "LogicalAnd", "LogicalNot"),
        *("LogicalOr", "LogicalXor", "Maximum", "Minimum", "Mod", "Multiply", "NanToNum", "Negative", "NotEqual"),
        *("Power", "Rad2deg", "Real", "Reciprocal", "Rescaling", "Round", "Rsqrt", "Select", "Sign", "Sin", "Sinc"),
        *("Sinh", "Sqrt", "Square", "Subtract", "Tan", "TrueDivide", "Trunc", "Where"),
    )
)
"""Functions of elements that stand at one place of several tensors."""

REDUCTIONS = frozenset(
    (
        *("All", "Amax", "Amin", "Any", "Argmax", "Argmin", "CountNonzero", "Cumprod", "Cumsum", "Diff", "InTopK"),
        *("Logsumexp", "Max", "Mean", "Median", "Min", "Moments", "Nanmax", "Nanmean", "Nanmin", "Nansum", "Norm"),
        *("Prod", "Ptp", "Quantile", "SegmentMax", "SegmentMin", "SegmentProd", "SegmentSum", "Std", "Sum"),
        *("Trace", "Var"),
    )
)
"""Sums, means and extremes."""

NORMS = frozenset(
    (
        *("BatchNorm", "LayerNorm", "LayerNormalization", "Normalization", "Normalize", "RMSNorm"),
        *("RMSNormalization", "UnitNormalization"),
    )
)
"""Normalizations that have no row of their own here."""

POOLS = frozenset(
    (
        *("AdaptiveAveragePool", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D"),
        *("AdaptiveAveragePooling3D", "AdaptiveMaxPool", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D"),
        *("AdaptiveMaxPooling3D", "AveragePool", "AveragePooling1D", "AveragePooling3D", "GlobalAveragePooling1D"),
        *("GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling3D", "MaxPool", "MaxPooling1D"),
        "MaxPooling3D",
    )
)
"""Pools of other than two dimensions, and pools as operations."""

COPIES = frozenset(
    (
        *("Append", "Argsort", "ArraySplit", "BroadcastTo", "Cast", "Concatenate", "ConvertToTensor", "Copy"),
        *("CropImages", "Cropping1D", "Cropping2D", "Cropping3D", "DepthToSpace", "Diag", "Diagonal", "Dsplit"),
        *("Dstack", "Embedding", "ExpandDims", "ExtractPatches", "Flip", "Fliplr", "Flipud", "Fold", "FullLike"),
        *("GetItem", "Hsplit", "Hstack", "Identity", "Masking", "Meshgrid", "Moveaxis", "MultiHot", "OneHot"),
        *("OnesLike", "Pad", "PadImages", "Permute", "Ravel", "Rearrange", "Repeat", "RepeatVector", "Reshape"),
        *("Roll", "Rot90", "SaturateCast", "Scatter", "ScatterUpdate", "Slice", "SliceUpdate", "Sort"),
        *("SpaceToDepth", "Split", "Squeeze", "Stack", "StopGradient", "Swapaxes", "Take", "TakeAlongAxis", "Tile"),
        *("TopK", "Transpose", "Tril", "Triu", "Unfold", "Unstack", "View", "Vsplit", "Vstack", "ZeroPadding1D"),
        *("ZeroPadding3D", "ZerosLike"),
    )
)
"""What moves, repeats, sorts or looks up elements."""

RESAMPLING = frozenset(
    (
        *("AffineTransform", "CenterCrop", "ElasticTransform", "MapCoordinates", "PerspectiveTransform", "Resize"),
        *("Resizing", "ScaleAndTranslate", "UpSampling1D", "UpSampling2D", "UpSampling3D"),
    )
)
"""What takes new elements between the old ones."""

TRAINING = frozenset(
    (
        *("ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "GaussianDropout", "GaussianNoise"),
        *("MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter"),
        *("RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip"),
        *("RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective"),
        *("RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear"),
        *("RandomTranslation", "RandomZoom"),
    )
)
"""What does nothing in inference."""

FREE = ACTIVATIONS | ELEMENTWISE | REDUCTIONS | NORMS | POOLS | COPIES | RESAMPLING | TRAINING
"""All of these."""
