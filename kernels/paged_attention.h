#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// One layer of the paged KV cache. A slot is one token's place: block * block_size + offset.
//
// In i8 a row, the key or value of one token and kv head, is head_dim integers in [-127, 127] times
// the row's scale, in f8 (e4m3) head_dim numbers in [-448, 448] times it. The scales of one block
// and head lie together: in blocks of 16 tokens they are one cache line.
struct KvLayerView {
  void* k = nullptr;  // [num_blocks, num_kv_heads, block_size, head_dim]
  void* v = nullptr;  // the same
  std::int32_t num_blocks = 0;
  std::int32_t block_size = 0;  // tokens
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
  DType dtype = DType::kF32;  // f32, f16, bf16, i8 or f8, as far as Device::ValidateKvType allows
  float* k_scales = nullptr;  // [num_blocks, num_kv_heads, block_size]; i8 and f8 only
  float* v_scales = nullptr;  // the same
};

// The largest integer of a row in i8.
inline constexpr int kMaxKvInt8 = 127;
// The largest number of a row in f8.
inline constexpr float kMaxKvFloat8 = 448.0f;

// Whether rows of a cache of this type have scales.
constexpr bool HasKvScales(DType dtype) { return dtype == DType::kI8 || dtype == DType::kF8E4M3; }

// Writes the keys and values of new tokens into their slots, rounded to nearest, ties to even. In
// i8 the scale of a row x is max |x| / 127 and its integers are x * (127 / max |x|), rounded; in f8
// the same with 448. A row whose elements are all below 2^-119 becomes zero; the scale of a row
// that is not finite is NaN.
struct StoreKvArgs {
  MatrixView k;                                // [tokens, num_kv_heads * head_dim] f32
  MatrixView v;                                // the same
  const std::int32_t* slot_mapping = nullptr;  // [tokens]
  KvLayerView cache;
};
using StoreKvFn = void(const StoreKvArgs& args, Stream& stream);

// The sequences of one step. Query token i of a sequence with `query_len` new tokens and `kv_len`
// cached ones (the new ones included) stands at position kv_len - query_len + i and sees the
// positions up to its own.
struct AttentionBatch {
  CuSeqlens query;                            // of the new tokens
  const std::int32_t* kv_lens = nullptr;      // [num_sequences], new tokens included
  const std::int32_t* block_table = nullptr;  // [num_sequences, max_blocks] block ids
  std::int32_t max_blocks = 0;                // row length of block_table
  std::int32_t num_heads = 0;
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
};

// What the launches of attention depend on besides the contents of memory. Means something to the
// backend alone.
struct AttentionKey {
  std::int32_t sizes[6] = {};
  auto operator<=>(const AttentionKey&) const = default;
};

// A work list over (sequence, head, query tile), made once per step on the host and used by every
// layer. Each backend derives its own; the engine only keeps it alive until the step is done.
class AttentionPlan {
 public:
  virtual ~AttentionPlan() = default;
  // Equal for plans over which attention is the same launches, so that what Device::Record kept of
  // one step serves the other. Null if no other step is likely to be alike, as in prefill.
  virtual std::optional<AttentionKey> key() const { return std::nullopt; }
};

// Softmax attention over paged blocks: exact, tiled, without a score matrix in memory.
// out[t, h] = sum_j softmax_j(scale * q[t, h] . k[j, h / group]) v[j, h / group], j <= position(t).
// With a soft cap c a score s becomes c * tanh(s / c) before the softmax.
// Source: Dao et al. 2022, "FlashAttention", algorithm 1 (online softmax of Milakov and
// Gimelshein 2018); block tables: Kwon et al. 2023, "PagedAttention".
//
// The order of every sum depends on positions alone: the same token gives the same bits in any
// batch and any chunking of the prefill.
struct PagedAttentionArgs {
  MatrixView q;       // [tokens, num_heads * head_dim] f32
  MatrixView out;     // the same shape, f32; must not alias q
  KvLayerView cache;  // of this layer, new tokens already stored
  AttentionBatch batch;
  const AttentionPlan* plan = nullptr;  // from plan_paged_attention over the same batch
  float scale = 1.0f;                   // usually 1 / sqrt(head_dim)
  std::int32_t sliding_window = 0;      // 0: none; w: sees positions above position(t) - w
  float soft_cap = 0.0f;                // 0: none
};
using PagedAttentionFn = void(const PagedAttentionArgs& args, Stream& stream);

// Bidirectional attention inside each sequence of a packed batch (encoders).
struct EncoderAttentionArgs {
  MatrixView q;  // [tokens, num_heads * head_dim] f32
  MatrixView k;  // the same
  MatrixView v;  // the same
  MatrixView out;
  CuSeqlens sequences;
  std::int32_t num_heads = 0;
  std::int32_t head_dim = 0;
  float scale = 1.0f;
};
using EncoderAttentionFn = void(const EncoderAttentionArgs& args, Stream& stream);

}  // namespace quire::kernels
