#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/tensor.h"

// What one instruction set offers: bodies that run on one thread over raw pointers. The operations
// in this folder split work into rows and tiles and call these, one indirect call each.

namespace quire::kernels::cpu {

// Formats of weights and of the KV cache: index of the tables below. Integers with a scale are for
// the cache alone.
enum class ElementKind : std::uint8_t { kF32, kF16, kBF16, kI8 };
inline constexpr int kNumElementKinds = 3;
inline constexpr int kNumCacheKinds = 4;

// y[t, j] = x[t, :] . w[j, :] for a few tokens, weights converted on the way: bound by memory.
struct GemvArgs {
  const float* x;  // [tokens, in]
  std::int64_t x_stride;
  int tokens;     // at most Microkernels::linear.row_tile
  const void* w;  // [outputs, in]
  std::int64_t w_stride;
  std::int64_t in;
  int outputs;
  const float* bias;  // [outputs] or null
  float* y;           // [tokens, outputs]
  std::int64_t y_stride;
  bool accumulate;
};

// The same for many tokens: weights are converted once per tile, x comes packed.
struct GemmArgs {
  const float* packed_x;  // from pack_rows over `tokens` rows
  int tokens;             // at most kGemmTokens
  const void* w;          // [outputs, in]
  std::int64_t w_stride;
  std::int64_t in;
  int outputs;
  const float* bias;  // [outputs] or null
  float* y;           // [tokens, outputs]
  std::int64_t y_stride;
  bool accumulate;
  float* scratch;  // [linear.scratch_floats], 64-byte aligned
};

// Rows of x that one GEMM call takes: its accumulators, one vector for each of kGemmTokens x 16
// outputs, stay in a 512 KiB L2 cache.
inline constexpr int kGemmTokens = 192;

struct LinearMicrokernels {
  int row_tile;                 // tokens in one register tile
  int lanes;                    // packed rows are padded to a multiple of it
  std::int64_t scratch_floats;  // of GemmArgs
  // [tokens, in] -> [tokens / row_tile][steps][row_tile][lanes], zero-padded at the end of a row;
  // the last tile holds only its rows.
  void (*pack_rows)(const float* x, std::int64_t stride, int tokens, std::int64_t in, float* to);
  void (*gemv[kNumElementKinds])(const GemvArgs& args);
  void (*gemm[kNumElementKinds])(const GemmArgs& args);
};

// Keys in one attention tile. Tiles start at multiples of it, whatever the query: so the order of
// the sums depends on positions alone.
inline constexpr int kAttentionTile = 64;

// One step of the online softmax: the rows of a query tile against one tile of keys and values.
struct AttentionTileArgs {
  const float* q;       // [rows, head_dim], already scaled
  const float* keys;    // from load_keys
  const float* values;  // from load_values: [kAttentionTile, value_stride]
  int rows;
  int head_dim;
  int value_stride;           // head_dim rounded up to whole vectors
  const std::int32_t* first;  // [rows] visible keys: [first, last) in the tile; may be none
  const std::int32_t* last;   // [rows]
  float* scores;              // [rows, kAttentionTile] scratch
  float* row_scale;           // [rows] scratch
  float* out;                 // [rows, value_stride] sum of p v, updated
  float* row_max;             // [rows] m, updated; -inf before the first visible key
  float* row_sum;             // [rows] l, updated
};

struct AttentionMicrokernels {
  int lanes;
  // `rows`: kAttentionTile pointers to head_dim elements, null for a key that must not be read.
  // What is loaded in its place is undefined: `first` and `last` of no row may include it.
  // `scales`: [kAttentionTile] factors of the rows, for kI8 alone.
  void (*load_keys[kNumCacheKinds])(const void* const* rows, const float* scales, int head_dim,
                                    float* keys);
  void (*load_values[kNumCacheKinds])(const void* const* rows, const float* scales, int head_dim,
                                      int value_stride, float* values);
  void (*tile)(const AttentionTileArgs& args);
  // Adds the partial softmax (out, m, l) of one row to the total.
  void (*merge_row)(const float* out, float row_max, float row_sum, int value_stride,
                    float* total_out, float* total_max, float* total_sum);
};

struct Microkernels {
  const char* name;  // "cpu/avx2"

  void (*to_f32[kNumElementKinds])(const void* from, float* to, std::int64_t count);
  void (*add_to_f32[kNumElementKinds])(const void* from, float* to, std::int64_t count);
  void (*from_f32[kNumElementKinds])(const float* from, void* to, std::int64_t count);
  // Writes a row as StoreKvArgs says for i8 and returns its scale.
  float (*quantize_row)(const float* from, std::int8_t* to, std::int64_t count);

  void (*rms_norm_row)(const float* x, const float* weight, float* out, std::int64_t hidden,
                       float epsilon);
  void (*layer_norm_row)(const float* x, const float* weight, const float* bias, float* out,
                         std::int64_t hidden, float epsilon);
  // out = f(gate) * up; `up` null means f(gate) alone.
  void (*activate)(ActivationKind kind, const float* gate, const float* up, float* out,
                   std::int64_t count);
  void (*scale)(float* x, float factor, std::int64_t count);
  float (*sum_of_squares)(const float* x, std::int64_t count);

  // Sine and cosine of position * inverse_frequency[i], times `factor`.
  void (*rope_angles)(std::int32_t position, const float* inverse_frequency, int count,
                      float factor, float* sines, float* cosines);
  // Turns the pairs (x[i], x[i + half]) of one head.
  void (*rope_head)(float* x, const float* sines, const float* cosines, int half);

  LinearMicrokernels linear;
  AttentionMicrokernels attention;

  // Peaks. Sums `count` floats, a multiple of 256; does `iterations` rounds of independent
  // multiply-adds on registers and returns how many operations that was.
  float (*read_all)(const float* from, std::int64_t count);
  double (*multiply_add_rounds)(std::int64_t iterations, float* sink);
};

extern const Microkernels kBaselineMicrokernels;
extern const Microkernels kAvx2Microkernels;
extern const Microkernels kAvx512Microkernels;

}  // namespace quire::kernels::cpu
