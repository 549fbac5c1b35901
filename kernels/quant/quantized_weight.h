#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace quire::kernels {

// What a code stands for, with c = table[code], or the code itself where there is no table.
enum class CodeShift : std::uint8_t {
  kNone,          // scale * c
  kConstantZero,  // scale * (c - constant_zero)
  kZeroPoint,     // scale * (c - shift)
  kOffset,        // scale * c + shift
};

// The shape of a quantized weight [out, in]. Codes are unsigned. The inputs form groups; each
// output has a scale, and maybe a shift, of its own for every group.
struct QuantizedLayout {
  std::string format;  // "gptq 4-bit", for messages
  std::int64_t out = 0;
  std::int64_t in = 0;
  int code_bits = 4;  // that the codes need: 2 to 6, or 8
  CodeShift shift = CodeShift::kNone;
  float constant_zero = 0;
  std::vector<float> table;  // 16 values; empty: the codes are the values
  std::int32_t num_groups = 0;
  std::vector<std::int32_t> group_of_input;  // [in], in [0, num_groups), in any order
  DType scale_dtype = DType::kF32;           // f32, f16 or bf16: what holds the scales exactly
  // Not 0: scales and offsets are signed bytes times steps of their own, which scale_dtype holds
  // exactly, f16; as many groups in a row share a step. No group is without inputs then.
  std::int32_t step_groups = 0;

  std::int64_t num_steps() const {
    return step_groups == 0 ? 0 : (num_groups + step_groups - 1) / step_groups;
  }
};

// Where ReadScaleSteps writes. A scale is its step times its multiple, and so is an offset.
struct ScaleSteps {
  float* scale_steps = nullptr;   // [count, num_steps]
  float* shift_steps = nullptr;   // the same, for kOffset alone
  std::int8_t* scales = nullptr;  // [count, num_groups]
  std::int8_t* shifts = nullptr;  // the same, for kOffset alone
};

// What a code stands for: `shift` is the constant zero, the zero point or the offset.
inline float QuantizedValue(CodeShift kind, float c, float scale, float shift) {
  switch (kind) {
    case CodeShift::kNone:
      return scale * c;
    case CodeShift::kConstantZero:
    case CodeShift::kZeroPoint:
      return scale * (c - shift);
    case CodeShift::kOffset:
      return scale * c + shift;
  }
  return 0;
}

// A quantized weight in host memory: what every format of codes, groups and scales comes down to,
// and what a device packs into the layout that it reads fastest (Device::PackWeight).
// Implementations: one per format, in this folder.
//
// Thread-safe: immutable.
class QuantizedWeight {
 public:
  virtual ~QuantizedWeight() = default;

  const QuantizedLayout& layout() const { return layout_; }

  // The codes of outputs [first, first + count) as [count, in].
  virtual void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const = 0;
  // Their scales and shifts, each as [count, num_groups]. `shifts` is written only for kZeroPoint,
  // integers in [0, 256], and kOffset.
  virtual void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                          float* shifts) const = 0;
  // Both in one call, for weights that find a row's scales on the way to its codes.
  virtual void ReadCodesAndScales(std::int64_t first, std::int64_t count, std::uint8_t* codes,
                                  float* scales, float* shifts) const;
  // The factors of the same scales and shifts. Only for a layout with step_groups.
  virtual void ReadScaleSteps(std::int64_t first, std::int64_t count, const ScaleSteps& to) const;

 protected:
  explicit QuantizedWeight(QuantizedLayout layout) : layout_(std::move(layout)) {}

 private:
  const QuantizedLayout layout_;
};

// True if every input stands in one group and its codes are signed bytes plus 128.
bool IsInt8PerOutput(const QuantizedLayout& layout);

// The group of every input where groups are runs of `group_size`, the last one maybe shorter.
std::vector<std::int32_t> ConsecutiveGroups(std::int64_t in, std::int64_t group_size);

// The values [out, in] by the definition above, in f32.
std::vector<float> DecodeQuantizedWeight(const QuantizedWeight& weight);

}  // namespace quire::kernels
