#pragma once

#include <memory>

#include "kernels/activation.h"
#include "kernels/embed_rows.h"
#include "kernels/linear.h"
#include "kernels/norm.h"
#include "kernels/paged_attention.h"
#include "kernels/pooling.h"
#include "kernels/quantized_linear.h"
#include "kernels/rope.h"
#include "kernels/rotate_and_store.h"
#include "kernels/sample.h"

namespace quire::kernels {

// Makes the work list that paged_attention takes and enqueues its copy to the device. `batch` and
// what it points to must outlive the plan.
using PlanPagedAttentionFn = std::unique_ptr<AttentionPlan>(const AttentionBatch& batch,
                                                            Stream& stream);

// The operations one backend offers, as plain functions: the whole of what the engine may ask of
// the hardware. One constant instance per backend; an entry runs one operation over a whole batch,
// so the indirect call costs nothing measurable. No entry is null.
//
// Pointers in arguments are memory of the device (Device::Allocate), index arrays included; on a
// CPU that is any memory. The arrays of AttentionBatch alone are host memory, which the plan reads.
struct KernelTable {
  EmbedRowsFn* embed_rows = nullptr;
  QuantizedEmbedRowsFn* quantized_embed_rows = nullptr;
  RmsNormFn* rms_norm = nullptr;
  LayerNormFn* layer_norm = nullptr;
  LinearFn* linear = nullptr;
  QuantizedLinearFn* quantized_linear = nullptr;
  RopeFn* rope = nullptr;
  StoreKvFn* store_kv = nullptr;
  RotateAndStoreFn* rotate_and_store = nullptr;
  PlanPagedAttentionFn* plan_paged_attention = nullptr;
  PagedAttentionFn* paged_attention = nullptr;
  EncoderAttentionFn* encoder_attention = nullptr;
  GatedActivationFn* gated_activation = nullptr;
  ActivationFn* activation = nullptr;
  AddFn* add = nullptr;
  ScaleFn* scale = nullptr;
  SoftCapFn* soft_cap = nullptr;
  PoolFn* pool = nullptr;
  SampleFn* sample = nullptr;
};

}  // namespace quire::kernels
