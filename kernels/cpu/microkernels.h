#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/tensor.h"

// What one instruction set offers: bodies that run on one thread over raw pointers. The operations
// in this folder split work into rows and tiles and call these, one indirect call each.

namespace quire::kernels::cpu {

// Formats of weights and of the KV cache: index of the tables below. kI8 needs a scale beside it:
// the tables of plain conversions leave it out.
enum class ElementKind : std::uint8_t { kF32, kF16, kBF16, kI8 };
inline constexpr int kNumElementKinds = 4;
inline constexpr int kNumFloatKinds = 3;  // all before kI8

// y[t, j] = x[t, :] . w[j, :] for a few tokens, weights converted on the way: bound by memory.
struct GemvArgs {
  const float* x;  // [tokens, in]
  std::int64_t x_stride;
  int tokens;     // at most Microkernels::linear.gemv_tokens
  const void* w;  // [outputs, in]
  std::int64_t w_stride;
  std::int64_t in;
  int outputs;
  const float* scales;  // [outputs] factors of the sums, or null
  const float* bias;    // [outputs] or null
  float* y;             // [tokens, outputs]
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
  const float* scales;  // [outputs] factors of the sums, or null
  const float* bias;    // [outputs] or null
  float* y;             // [tokens, outputs]
  std::int64_t y_stride;
  bool accumulate;
  float* scratch;  // [linear.scratch_floats], 64-byte aligned
};

// Rows of x that one GEMM call takes: its accumulators, one vector for each of kGemmTokens x 16
// outputs, stay in a 512 KiB L2 cache.
inline constexpr int kGemmTokens = 192;

struct LinearMicrokernels {
  int row_tile;                 // tokens in one register tile
  int gemv_tokens;              // up to so many tokens gemv is the quicker one
  int lanes;                    // packed rows are padded to a multiple of it
  std::int64_t scratch_floats;  // of GemmArgs
  // [tokens, in] -> [tokens / row_tile][steps][row_tile][lanes], zero-padded at the end of a row;
  // the last tile holds only its rows.
  void (*pack_rows)(const float* x, std::int64_t stride, int tokens, std::int64_t in, float* to);
  void (*gemv[kNumElementKinds])(const GemvArgs& args);
  void (*gemm[kNumElementKinds])(const GemmArgs& args);
};

// --- Weights in panels ------------------------------------------------------------------------
//
// A panel is kPanelOutputs outputs over all of `in`, a sequence of groups. Of each group it has
//   scales  [kPanelOutputs], f32, f16 or bf16
//   shifts  [kPanelOutputs], f16 zero points or offsets in the type of the scales, or nothing
//   codes   units of some inputs each
// Where groups share steps, scales and offsets are i8 multiples of them, and before the first group
// of each run stand
//   steps   [kPanelOutputs] f16 of the scales, then, if there are offsets, of those
//
// A unit is planes of kPlaneBytes bytes, each 8 blocks of 16 bytes for four outputs. Byte 4 p + i
// of a block belongs to its output i and to the inputs p, p + 4, p + 8 and p + 12 of the unit: so a
// register of any width has its outputs side by side. UnitPlanes says what the bytes hold.

inline constexpr int kPanelOutputs = 32;
inline constexpr int kPlaneBytes = 128;

// The codes that bodies are instantiated for: index of the tables below.
enum class CodeKind : std::uint8_t { kInt2, kInt3, kInt4, kTable4, kInt5, kInt6, kInt8 };
inline constexpr int kNumCodeKinds = 7;

// What a unit is made of. The low bits of a code are in the first of these that there is, the bits
// above them in the next. Offsets in bytes from the start of the unit, -1 for what it has not.
struct UnitPlanes {
  int inputs;   // 4, 8 or 16
  int bytes;    // of the unit
  int nibbles;  // planes of 4 bits: input p low, p + 4 high; a second plane for p + 8 and p + 12
  int pairs;    // a plane of 2 bits, input p lowest
  int bits;  // half a plane of single bits, input p lowest: byte b has those of byte b of a plane
             // in its low nibble and those of byte b + kPlaneBytes / 2 in its high one
};

// kInt8 has one plane of whole bytes.
constexpr UnitPlanes PlanesOf(CodeKind kind) {
  switch (kind) {
    case CodeKind::kInt2:
      return {.inputs = 16, .bytes = kPlaneBytes, .nibbles = -1, .pairs = 0, .bits = -1};
    case CodeKind::kInt3:
      return {.inputs = 16,
              .bytes = kPlaneBytes + kPlaneBytes / 2,
              .nibbles = -1,
              .pairs = 0,
              .bits = kPlaneBytes};
    case CodeKind::kInt4:
    case CodeKind::kTable4:
      return {.inputs = 8, .bytes = kPlaneBytes, .nibbles = 0, .pairs = -1, .bits = -1};
    case CodeKind::kInt5:
      return {.inputs = 16,
              .bytes = 2 * kPlaneBytes + kPlaneBytes / 2,
              .nibbles = 0,
              .pairs = -1,
              .bits = 2 * kPlaneBytes};
    case CodeKind::kInt6:
      return {.inputs = 16,
              .bytes = 3 * kPlaneBytes,
              .nibbles = 0,
              .pairs = 2 * kPlaneBytes,
              .bits = -1};
    case CodeKind::kInt8:
      return {.inputs = 4, .bytes = kPlaneBytes, .nibbles = -1, .pairs = -1, .bits = -1};
  }
  return {};
}

enum class PanelShift : std::uint8_t { kNone, kConstantZero, kZeroPoint, kOffset };

struct PanelFormat {
  ElementKind scale_kind;  // kI8: multiples of steps
  PanelShift shift;
  float constant_zero;              // of kConstantZero
  const float* table;               // [16] of kTable4
  const std::int32_t* group_units;  // [num_groups] units of each group
  int num_groups;
  int step_groups;            // that share steps, or 0
  std::int64_t step_bytes;    // of those groups in a panel
  std::int64_t scale_bytes;   // of a group in a panel
  std::int64_t header_bytes;  // the same with its shifts
  std::int64_t panel_bytes;
};

// y[t, j] = x[t, :] . w[j, :] for a few tokens, straight from the codes.
struct PanelGemvArgs {
  const PanelFormat* format;
  const char* panels;  // the first of num_panels
  int num_panels;
  const float* x;  // [tokens, in], `in` being all inputs of all units
  std::int64_t x_stride;
  int tokens;               // at most panel.gemv_tokens
  const float* group_sums;  // [tokens, num_groups] sums of x; not read with PanelShift::kNone
  int outputs;              // of all these panels that y has; fills all but the last
  const float* bias;        // [outputs] or null
  float* y;                 // [tokens, outputs]
  std::int64_t y_stride;
  bool accumulate;
};

// The same for many tokens: codes become floats in the L1 cache, x comes packed.
struct PanelGemmArgs {
  const PanelFormat* format;
  const char* panel;        // one
  const float* packed_x;    // [tokens / gemm_rows][in][gemm_rows]; the last tile has only its rows
  int tokens;               // at most kGemmTokens
  const float* group_sums;  // as above
  int outputs;              // at most kPanelOutputs
  const float* bias;
  float* y;
  std::int64_t y_stride;
  bool accumulate;
  float* scratch;  // [panel.scratch_floats], 64-byte aligned
};

struct PanelMicrokernels {
  int gemv_tokens;              // most tokens of a gemv call
  int gemv_panels;              // panels that a gemv of one token reads side by side
  int gemm_rows;                // tokens in one register tile
  std::int64_t scratch_floats;  // of PanelGemmArgs
  // The sum of `count` floats, in an order that depends on `count` alone.
  float (*sum)(const float* x, std::int64_t count);
  void (*gemv[kNumCodeKinds])(const PanelGemvArgs& args);
  void (*gemm[kNumCodeKinds])(const PanelGemmArgs& args);
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
  float soft_cap;             // of the scores, see PagedAttentionArgs; 0: none
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
  void (*load_keys[kNumElementKinds])(const void* const* rows, const float* scales, int head_dim,
                                      float* keys);
  void (*load_values[kNumElementKinds])(const void* const* rows, const float* scales, int head_dim,
                                        int value_stride, float* values);
  void (*tile)(const AttentionTileArgs& args);
  // Adds the partial softmax (out, m, l) of one row to the total.
  void (*merge_row)(const float* out, float row_max, float row_sum, int value_stride,
                    float* total_out, float* total_max, float* total_sum);
};

struct Microkernels {
  const char* name;  // "cpu/avx2"

  void (*to_f32[kNumFloatKinds])(const void* from, float* to, std::int64_t count);
  void (*add_to_f32[kNumFloatKinds])(const void* from, float* to, std::int64_t count);
  void (*from_f32[kNumFloatKinds])(const float* from, void* to, std::int64_t count);
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
  // x = cap * tanh(x / cap).
  void (*soft_cap)(float* x, float cap, std::int64_t count);
  float (*sum_of_squares)(const float* x, std::int64_t count);

  // Sine and cosine of position * inverse_frequency[i], times `factor`.
  void (*rope_angles)(std::int32_t position, const float* inverse_frequency, int count,
                      float factor, float* sines, float* cosines);
  // Turns the pairs (x[i], x[i + half]) of one head.
  void (*rope_head)(float* x, const float* sines, const float* cosines, int half);

  LinearMicrokernels linear;
  PanelMicrokernels panel;
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
