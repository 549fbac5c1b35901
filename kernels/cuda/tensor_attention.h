#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {

// What every row of a call shares. Passed by value.
struct AttentionParams {
  const float* q = nullptr;  // [tokens, num_heads * head_dim]
  float* out = nullptr;      // the same
  std::int64_t q_stride = 0;
  std::int64_t out_stride = 0;
  const std::int32_t* block_table = nullptr;  // [sequences, max_blocks]
  int max_blocks = 0;                         // row length of block_table
  int group = 0;                              // heads per key head
  KvLayerView cache;
  float scale = 1.0f;
  int sliding_window = 0;
  float soft_cap = 0.0f;
};

// The work list in device memory, and memory for what the splits of a row leave behind.
struct DeviceWork {
  const RowTile* tiles = nullptr;
  const SplitTile* splits = nullptr;
  int num_tiles = 0;
  int num_splits = 0;
  int num_partials = 0;               // per key head
  int num_counters = 0;               // per key head
  float* partial_o = nullptr;         // [num_kv_heads, num_partials, kRowsPerWarp, head_dim]
  float2* partial_m_and_l = nullptr;  // [num_kv_heads, num_partials, kRowsPerWarp]
  unsigned* counters = nullptr;       // [num_kv_heads, num_counters], all 0 before and after
};

// Whether the kernels below have a body for heads of this size.
bool HasTensorAttention(int head_dim);
// Rows of a tile for heads of this size, which AttentionWork is made with.
int TensorAttentionRows(int head_dim);

// Attention on tensor cores over a cache of the type in the name. `cache.k` and `cache.v` are
// multiples of 16.
void AttendBF16(const AttentionParams& params, const DeviceWork& work, CudaStream& stream);
void AttendF16(const AttentionParams& params, const DeviceWork& work, CudaStream& stream);
void AttendI8(const AttentionParams& params, const DeviceWork& work, CudaStream& stream);
void AttendF8(const AttentionParams& params, const DeviceWork& work, CudaStream& stream);

}  // namespace quire::kernels::cuda
