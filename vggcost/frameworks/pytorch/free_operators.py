"""torch's operators that do no multiply-accumulate, by name without the underscore of writing.

Functions' names stand in `free`; those that torch tags as views, as element-wise or as reductions need no name.
"""

from __future__ import annotations

SILENT = frozenset(
    (
        *("clone", "copy", "contiguous", "detach", "detach_copy", "lift", "lift_fresh", "lift_fresh_copy"),
        *("alias_copy", "_to_copy", "_to_cpu", "_to_dense", "to_dense", "to_sparse", "_to_sparse", "to_mkldnn"),
        *("_mkldnn_reshape", "_mkldnn_transpose", "_unsafe_view", "_reshape_alias", "_reshape_alias_copy"),
        *("_reshape_copy", "_copy_from", "_copy_from_and_resize", "_lazy_clone", "as_strided", "as_strided_copy"),
        *("as_strided_scatter", "resize", "resize_as", "_resize_output", "set", "set_data", "squeeze", "t"),
        *("transpose", "swapaxes", "swapdims", "unsqueeze", "expand_copy", "permute_copy", "narrow_copy", "empty"),
        *("empty_like", "empty_permuted", "empty_strided", "empty_quantized", "_empty_affine_quantized"),
        *("_empty_per_channel_affine_quantized", "_efficientzerotensor", "zeros", "ones", "full", "new_empty"),
        *("new_empty_strided", "new_full", "new_ones", "new_zeros", "_new_zeros_with_same_feature_meta", "arange"),
        *("linspace", "logspace", "eye", "range", "rand", "randn", "randint", "rand_like", "randn_like"),
        *("randint_like", "randperm", "normal", "scalar_tensor", "tril_indices", "triu_indices", "bartlett_window"),
        *("blackman_window", "hamming_window", "hann_window", "kaiser_window", "fill", "zero", "uniform", "random"),
        *("bernoulli", "exponential", "geometric", "cauchy", "log_normal", "normal_functional", "_pin_memory"),
        *("pin_memory", "record_stream", "_conj_copy", "view_as_real_copy", "view_as_complex_copy", "is_same_size"),
        *("size", "stride", "dim", "numel", "sym_size", "sym_stride", "sym_numel", "sym_storage_offset"),
        *("sym_is_contiguous", "storage_offset", "_version", "is_pinned", "is_set_to", "is_coalesced"),
        *("is_contiguous", "is_non_overlapping_and_dense", "_has_compatible_shallow_copy_type"),
        *("_has_same_storage_numel", "_debug_has_internal_overlap", "result_type", "can_cast", "_fused_sdp_choice"),
        *("_nnpack_available", "cudnn_is_acceptable", "_use_cudnn_ctc_loss", "_assert_async", "_assert_scalar"),
        *("_assert_tensor_metadata", "_functional_assert_async", "_functional_assert_scalar", "sym_constrain_range"),
        *("sym_constrain_range_for_size", "_functional_sym_constrain_range"),
        *("_functional_sym_constrain_range_for_size", "split", "split_with_sizes", "unsafe_split"),
        *("unsafe_split_with_sizes", "unsafe_chunk", "split_copy", "split_with_sizes_copy", "unbind_copy"),
        *("_add_batch_dim", "_remove_batch_dim", "broadcast_tensors", "atleast_1d", "atleast_2d", "atleast_3d"),
        *("channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "repeat", "tile"),
        *("_chunk_cat", "_shape_as_tensor"),
    )
)
"""What moves, copies, makes, fills or asks: no row of a program, whose own functions of this sort are none either."""

FREE = frozenset(
    (
        *("mean", "_aminmax", "_is_all_true", "_is_any_true", "nuclear_norm"),
        *("cumsum", "_cummax_helper", "_cummin_helper", "_logcumsumexp", "cat", "concat"),
        *("concatenate", "_stack", "_unsafe_index", "_unsafe_masked_index", "_index_put_impl", "_unsafe_index_put"),
        *("_masked_scale", "select_backward", "slice_backward", "flip", "roll", "softmax", "log_softmax", "_softmax"),
        *("_log_softmax", "_safe_softmax", "_masked_softmax", "prelu", "_prelu_kernel", "rrelu", "rrelu_with_noise"),
        *("rrelu_with_noise_functional", "log_sigmoid_forward", "hardswish", "relu6", "selu", "celu", "_add_relu"),
        *("equal", "subtract", "multiply", "divide", "true_divide", "dropout", "_fused_dropout", "alpha_dropout"),
        *("feature_alpha_dropout", "layer_norm", "rms_norm", "group_norm", "_fused_rms_norm", "instance_norm"),
        *("batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
        *("_native_batch_norm_legit_functional", "_batch_norm_with_update", "_batch_norm_no_update"),
        *("_batch_norm_with_update_functional", "_batch_norm_impl_index", "cudnn_batch_norm", "avg_pool1d"),
        *("avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d"),
        *("max_pool2d_with_indices", "max_pool3d_with_indices", "mkldnn_max_pool2d", "mkldnn_max_pool3d"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d"),
        *("_adaptive_avg_pool3d", "mkldnn_adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
        *("adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d", "pad", "reflection_pad1d"),
        *("reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d"),
        *("_pad_circular", "_pad_enum", "pad_sequence", "upsample_nearest1d", "upsample_nearest2d"),
        *("upsample_nearest3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
        *("_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"),
        *("upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "_upsample_lanczos2d_aa"),
        *("_grid_sampler_2d_cpu_fallback", "cudnn_grid_sampler", "cudnn_affine_grid_generator", "embedding"),
        *("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only", "embedding_renorm"),
        *("_thnn_fused_lstm_cell", "_thnn_fused_gru_cell", "_transform_bias_rescale_qkv", "nll_loss2d"),
        *("nll_loss_forward", "nll_loss2d_forward", "nll_loss_nd", "cross_entropy_loss"),
        *("multilabel_margin_loss_forward", "_ctc_loss", "_make_per_tensor_quantized_tensor"),
        *("_make_per_channel_quantized_tensor", "q_scale", "q_zero_point", "q_per_channel_scales"),
        *("q_per_channel_zero_points", "fake_quantize_per_tensor_affine_cachemask"),
        *("fake_quantize_per_channel_affine_cachemask", "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams"),
        *("_choose_qparams_per_tensor", "_fused_moving_avg_obs_fq_helper", "allclose", "masked_select", "nonzero"),
        *("_unique2", "unique_dim", "unique_consecutive", "_nested_tensor_from_mask"),
        *("_nested_tensor_from_mask_left_aligned", "nested_to_padded_tensor", "_nested_from_padded"),
        *("torchvision::nms", "torchvision::roi_align", "torchvision::roi_pool", "torchvision::ps_roi_align"),
        *("torchvision::ps_roi_pool", "quantized_decomposed::quantize_per_tensor"),
        *("quantized_decomposed::dequantize_per_tensor", "quantized_decomposed::quantize_per_channel"),
        *("quantized_decomposed::dequantize_per_channel", "quantized_decomposed::choose_qparams"),
        *("quantized_decomposed::quantize_per_token", "quantized_decomposed::dequantize_per_token"),
        *("quantized_decomposed::fake_quant_per_channel", "quantized::embedding_byte", "quantized::embedding_4bit"),
        *("quantized::embedding_bag_byte", "quantized::embedding_bag_4bit"),
        *("quantized::embedding_bag_byte_rowwise_offsets", "quantized::embedding_bag_4bit_rowwise_offsets"),
    )
)
"""What the functions of other names do that are free (`free`), and kernels of operations with a rule."""
