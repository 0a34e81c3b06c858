"""ONNX's operators that have no rule: those that are known to do no multiply-accumulate, and those that may."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators, which its optimizer and quantizer write."""

FREE = frozenset(
    (
        *("Abs", "Acos", "Acosh", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "Bernoulli", "BitCast"),
        *("BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "BlackmanWindow", "Cast", "CastLike"),
        *("Ceil", "Celu", "CenterCropPad", "Clip", "Col2Im", "Compress", "Concat", "ConcatFromSequence", "Constant"),
        *("ConstantOfShape", "Cos", "Cosh", "CumProd", "CumSum", "DepthToSpace", "DequantizeLinear", "Div"),
        *("DynamicQuantizeLinear", "Elu", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Floor"),
        *("GatherElements", "GatherND", "Gelu", "GlobalLpPool", "Greater", "GreaterOrEqual"),
        *("GridSample", "HammingWindow", "HannWindow", "HardSigmoid", "HardSwish", "Hardmax", "ImageDecoder"),
        *(
            "IsInf",
            "IsNaN",
            "LeakyRelu",
            "Less",
            "LessOrEqual",
            "Log",
            "LogSoftmax",
            "LpNormalization",
        ),
        *("Max", "MaxRoiPool", "MaxUnpool", "Mean", "MeanVarianceNormalization", "MelWeightMatrix", "Min", "Mish"),
        *("Mod", "Mul", "Multinomial", "Neg", "NegativeLogLikelihoodLoss", "NonMaxSuppression", "NonZero", "Not"),
        *("OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "Or", "PRelu", "Pow", "QuantizeLinear"),
        *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range", "Reciprocal", "ReduceL1"),
        *("ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd"),
        *("ReduceSum", "ReduceSumSquare", "RegexFullMatch", "Resize", "ReverseSequence", "RoiAlign"),
        *("RotaryEmbedding", "Round", "Scatter", "ScatterElements", "ScatterND", "Selu", "SequenceAt"),
        *("SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "Shape", "Shrink"),
        *("Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "SoftmaxCrossEntropyLoss", "Softplus", "Softsign"),
        *("SpaceToDepth", "Split", "SplitToSequence", "Sqrt", "StringConcat", "StringNormalizer", "StringSplit"),
        *("Sub", "Sum", "SwiGLU", "Swish", "Tan", "Tanh", "TensorScatter", "TfIdfVectorizer", "ThresholdedRelu"),
        *("Tile", "TopK", "Transpose", "Trilu", "Unique", "Upsample", "Where", "Xor"),
    )
)
"""Operators of ONNX's own domain that do no multiply-accumulate: element by element, sums, largest values, copies."""

MAY_MULTIPLY: Mapping[str, str] = {
    "AffineGrid": "it multiplies a matrix with each place of a grid",
    "CausalConvWithState": "there is no formula for it",
    "DFT": "transforms are not counted in multiply-accumulates",
    "Det": "there is no formula for it",
    "FlexAttention": "its functions are graphs of their own",
    "LinearAttention": "there is no formula for it",
    "STFT": "transforms are not counted in multiply-accumulates",
    "SequenceMap": "its function runs once for each element of a sequence",
}
"""Operators of ONNX's own domain that may multiply and accumulate and have no formula, with the reason."""

FREE_OF_MICROSOFT = frozenset(
    (
        *("BiasAdd", "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "DequantizeLinear", "FastGelu", "Gelu", "GroupNorm"),
        *("LayerNormalization", "QLinearAveragePool", "QLinearConcat", "QLinearGlobalAveragePool", "QLinearLeakyRelu"),
        *("QLinearMul", "QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax", "QuantizeLinear", "QuickGelu"),
        *(
            "RotaryEmbedding",
            "SimplifiedLayerNormalization",
            "SkipLayerNormalization",
            "SkipSimplifiedLayerNormalization",
        ),
    )
)
"""ONNX Runtime's operators that do no multiply-accumulate; all but two keep the shape of what they take first."""
