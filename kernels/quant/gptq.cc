#include "kernels/quant/gptq.h"

#include <optional>

#include "kernels/half.h"
#include "kernels/quant/bit_fields.h"

namespace quire::kernels {
namespace {

// Zero point of group `group` for output `n`.
std::int32_t ZeroPoint(const GptqTensors& t, std::int64_t group, std::int64_t n) {
  const std::int64_t row_words = t.out * t.bits / 32;
  const auto stored =
      static_cast<std::int32_t>(BitField(t.qzeros + group * row_words, /*stride=*/1, t.bits, n));
  if (!t.zeros_minus_one) return stored;
  const std::int32_t zero = stored + 1;
  return t.symmetric ? zero : zero & ((1 << t.bits) - 1);
}

float Scale(const GptqTensors& t, std::int64_t group, std::int64_t n) {
  float scale = 0;
  const auto* bytes = static_cast<const char*>(t.scales);
  ConvertToF32(t.scale_dtype, bytes + (group * t.out + n) * BytesPerElement(t.scale_dtype), &scale,
               1);
  return scale;
}

std::int64_t Group(const GptqTensors& t, std::int64_t k) {
  return t.g_idx != nullptr ? t.g_idx[k] : k / t.group_size;
}

Status Validate(const GptqTensors& t) {
  if (t.bits != 2 && t.bits != 3 && t.bits != 4 && t.bits != 8) {
    return InvalidArgument("gptq: wanted 2, 3, 4 or 8 bits, have {}", t.bits);
  }
  // 3-bit fields end with a word every 32 of them.
  const std::int64_t fields = t.bits == 3 ? 32 : 32 / t.bits;
  if (t.in % fields != 0 || t.out % fields != 0) {
    return InvalidArgument("gptq {}-bit: wanted multiples of {} for the shape, have [{}, {}]",
                           t.bits, fields, t.out, t.in);
  }
  if (t.g_idx == nullptr) {
    if (t.group_size < 1 || (t.in + t.group_size - 1) / t.group_size != t.num_groups) {
      return InvalidArgument("gptq: wanted {} inputs in {} groups, have a group size of {}", t.in,
                             t.num_groups, t.group_size);
    }
    return OkStatus();
  }
  for (std::int64_t k = 0; k < t.in; ++k) {
    if (t.g_idx[k] < 0 || t.g_idx[k] >= t.num_groups) {
      return InvalidArgument("gptq: g_idx[{}]: wanted a group in [0, {}), have {}", k, t.num_groups,
                             t.g_idx[k]);
    }
  }
  return OkStatus();
}

// The zero point that all groups of all outputs share, or nothing.
std::optional<std::int32_t> CommonZeroPoint(const GptqTensors& t) {
  if (t.num_groups == 0 || t.out == 0) return std::nullopt;
  const std::int32_t first = ZeroPoint(t, 0, 0);
  for (std::int64_t g = 0; g < t.num_groups; ++g) {
    for (std::int64_t n = 0; n < t.out; ++n) {
      if (ZeroPoint(t, g, n) != first) return std::nullopt;
    }
  }
  return first;
}

QuantizedLayout LayoutOf(const GptqTensors& t) {
  const std::optional<std::int32_t> zero = CommonZeroPoint(t);
  return {.format = fmt::format("gptq {}-bit", t.bits),
          .out = t.out,
          .in = t.in,
          .code_bits = t.bits,
          .shift = zero ? CodeShift::kConstantZero : CodeShift::kZeroPoint,
          .constant_zero = static_cast<float>(zero.value_or(0)),
          .table = {},
          .num_groups = t.num_groups,
          .group_of_input = t.g_idx == nullptr ? ConsecutiveGroups(t.in, t.group_size)
                                               : std::vector<std::int32_t>(t.g_idx, t.g_idx + t.in),
          .scale_dtype = t.scale_dtype};
}

class GptqWeight final : public QuantizedWeight {
 public:
  explicit GptqWeight(const GptqTensors& tensors)
      : QuantizedWeight(LayoutOf(tensors)), tensors_(tensors) {}

  // Eight inputs at a time: a row of words has the codes of neighbouring outputs side by side.
  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    const int bits = tensors_.bits;
    const std::int64_t in = tensors_.in;
    std::int64_t k = 0;
    for (; k + kAtOnce <= in; k += kAtOnce) {
      const std::int64_t first_bit = k * bits;
      const std::int64_t word = first_bit / 32;
      const std::int64_t last_word = (first_bit + kAtOnce * bits - 1) / 32;
      const auto shift = static_cast<int>(first_bit % 32);
      const std::uint32_t* low = tensors_.qweight + word * tensors_.out + first;
      const std::uint32_t* high = tensors_.qweight + last_word * tensors_.out + first;
      for (std::int64_t n = 0; n < count; ++n) {
        // Where all is in one word, what the upper half repeats is beyond the eighth field.
        const std::uint64_t window = low[n] | std::uint64_t{high[n]} << 32;
        StoreBytes8(SpreadFields(window >> shift, bits), codes + n * in + k);
      }
    }
    for (; k < in; ++k) {
      for (std::int64_t n = 0; n < count; ++n) {
        codes[n * in + k] = static_cast<std::uint8_t>(
            BitField(tensors_.qweight + first + n, tensors_.out, bits, k));
      }
    }
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                  float* shifts) const override {
    const std::int64_t num_groups = tensors_.num_groups;
    const bool has_shifts = layout().shift == CodeShift::kZeroPoint;
    for (std::int64_t g = 0; g < num_groups; ++g) {
      for (std::int64_t n = 0; n < count; ++n) {
        scales[n * num_groups + g] = Scale(tensors_, g, first + n);
        if (!has_shifts) continue;
        shifts[n * num_groups + g] = static_cast<float>(ZeroPoint(tensors_, g, first + n));
      }
    }
  }

 private:
  static constexpr std::int64_t kAtOnce = 8;

  const GptqTensors tensors_;
};

}  // namespace

StatusOr<std::unique_ptr<QuantizedWeight>> NewGptqWeight(const GptqTensors& tensors) {
  QUIRE_RETURN_IF_ERROR(Validate(tensors));
  return std::make_unique<GptqWeight>(tensors);
}

std::vector<float> DecodeGptq(const GptqTensors& t) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(t.out * t.in));
  for (std::int64_t n = 0; n < t.out; ++n) {
    for (std::int64_t k = 0; k < t.in; ++k) {
      const std::int64_t group = Group(t, k);
      const auto code = static_cast<std::int32_t>(BitField(t.qweight + n, t.out, t.bits, k));
      values.push_back(Scale(t, group, n) * static_cast<float>(code - ZeroPoint(t, group, n)));
    }
  }
  return values;
}

PackedGptq PackGptq(const GroupCodes& from) {
  constexpr std::int64_t kFields = 8;
  const std::int64_t out = from.out;
  const std::int64_t groups = from.num_groups;
  PackedGptq to = {
      .qweight = std::vector<std::uint32_t>(static_cast<std::size_t>(from.in / kFields * out)),
      .qzeros = std::vector<std::uint32_t>(static_cast<std::size_t>(groups * (out / kFields))),
      .scales = std::vector<std::uint16_t>(static_cast<std::size_t>(groups * out)),
      .g_idx = from.group_of_input};
  for (std::int64_t n = 0; n < out; ++n) {
    const std::uint8_t* codes = from.codes.data() + n * from.in;
    for (std::int64_t k = 0; k < from.in; ++k) {
      std::uint32_t& word = to.qweight[static_cast<std::size_t>(k / kFields * out + n)];
      word |= std::uint32_t{codes[k]} << (4 * (k % kFields));
    }
    for (std::int64_t g = 0; g < groups; ++g) {
      const auto index = static_cast<std::size_t>(n * groups + g);
      to.scales[static_cast<std::size_t>(g * out + n)] = F32ToF16(from.scales[index]);
      std::uint32_t& word = to.qzeros[static_cast<std::size_t>(g * (out / kFields) + n / kFields)];
      word |= (std::uint32_t{from.zeros[index]} - 1u) << (4 * (n % kFields));
    }
  }
  return to;
}

}  // namespace quire::kernels
