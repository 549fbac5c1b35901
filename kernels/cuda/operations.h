#pragma once

#include "kernels/kernel_table.h"
#include "kernels/peaks.h"

// The entries of the CUDA KernelTable. Contracts: kernels/*.h.

namespace quire::kernels::cuda {

EmbedRowsFn EmbedRows;
QuantizedEmbedRowsFn QuantizedEmbedRows;
RmsNormFn RmsNorm;
LayerNormFn LayerNorm;
LinearFn Linear;
QuantizedLinearFn QuantizedLinear;
RopeFn Rope;
StoreKvFn StoreKv;
RotateAndStoreFn RotateAndStore;
PlanPagedAttentionFn PlanPagedAttention;
PagedAttentionFn PagedAttention;
EncoderAttentionFn EncoderAttention;
GatedActivationFn GatedActivation;
ActivationFn Activation;
AddFn Add;
ScaleFn Scale;
SoftCapFn SoftCap;
PoolFn Pool;
SampleFn Sample;

inline constexpr KernelTable kCudaKernels = {
    .embed_rows = &EmbedRows,
    .quantized_embed_rows = &QuantizedEmbedRows,
    .rms_norm = &RmsNorm,
    .layer_norm = &LayerNorm,
    .linear = &Linear,
    .quantized_linear = &QuantizedLinear,
    .rope = &Rope,
    .store_kv = &StoreKv,
    .rotate_and_store = &RotateAndStore,
    .plan_paged_attention = &PlanPagedAttention,
    .paged_attention = &PagedAttention,
    .encoder_attention = &EncoderAttention,
    .gated_activation = &GatedActivation,
    .activation = &Activation,
    .add = &Add,
    .scale = &Scale,
    .soft_cap = &SoftCap,
    .pool = &Pool,
    .sample = &Sample,
};

// Measures over `floats` floats of device memory. Zero peaks if a launch fails; then the stream has
// the error.
Peaks MeasurePeaks(const float* memory, std::int64_t floats, Stream& stream);

}  // namespace quire::kernels::cuda
