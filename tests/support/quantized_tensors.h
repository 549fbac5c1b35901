#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "kernels/quant/awq.h"
#include "kernels/quant/bitsandbytes.h"
#include "kernels/quant/gguf_blocks.h"
#include "kernels/quant/gptq.h"

// Random tensors in the layout of each weight format: every bit pattern that a file may hold.

namespace quire::testing {

// `values` as a matrix of f32 of `rows` rows.
inline kernels::MatrixView RowsOf(std::vector<float>& values, std::int64_t rows) {
  const auto cols = static_cast<std::int64_t>(values.size()) / rows;
  return {.data = values.data(), .rows = rows, .cols = cols, .row_stride = cols};
}

template <typename Word>
std::vector<Word> RandomWords(std::int64_t count, std::mt19937& random) {
  std::vector<Word> words(static_cast<std::size_t>(count));
  for (Word& word : words) word = static_cast<Word>(random());
  return words;
}

// Positive numbers near 0.1 as elements of `dtype`, in 4-byte words so that they are aligned.
inline std::vector<std::uint32_t> RandomScales(std::int64_t count, kernels::DType dtype,
                                               std::mt19937& random, float sign = 1.0f) {
  std::uniform_real_distribution<float> uniform(0.05f, 0.2f);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = sign * uniform(random);
  std::vector<std::uint32_t> bytes(static_cast<std::size_t>(count));
  kernels::ConvertFromF32(dtype, values.data(), bytes.data(), count);
  return bytes;
}

class RandomGptq {
 public:
  struct Options {
    int bits = 4;
    std::int64_t out = 32;
    std::int64_t in = 32;
    std::int64_t group_size = 32;  // -1: all inputs
    bool act_order = false;
    bool symmetric = false;
    bool zeros_minus_one = true;
    kernels::DType scale_dtype = kernels::DType::kF16;
  };

  RandomGptq(std::mt19937& random, const Options& o) {
    const std::int64_t group_size = o.group_size < 0 ? o.in : o.group_size;
    const std::int64_t groups = (o.in + group_size - 1) / group_size;
    qweight_ = RandomWords<std::uint32_t>(o.in * o.bits / 32 * o.out, random);
    qzeros_ = RandomWords<std::uint32_t>(groups * (o.out * o.bits / 32), random);
    scales_ = RandomScales(groups * o.out, o.scale_dtype, random);
    for (std::int64_t k = 0; k < o.in; ++k) {
      g_idx_.push_back(static_cast<std::int32_t>(k / group_size));
    }
    if (o.act_order) std::shuffle(g_idx_.begin(), g_idx_.end(), random);
    tensors_ = {.bits = o.bits,
                .out = o.out,
                .in = o.in,
                .num_groups = static_cast<std::int32_t>(groups),
                .qweight = qweight_.data(),
                .qzeros = qzeros_.data(),
                .scales = scales_.data(),
                .scale_dtype = o.scale_dtype,
                .g_idx = o.act_order ? g_idx_.data() : nullptr,
                .group_size = group_size,
                .zeros_minus_one = o.zeros_minus_one,
                .symmetric = o.symmetric};
    name_ =
        fmt::format("gptq {} bits [{}, {}], group {}, act order {}, symmetric {}, minus one {}",
                    o.bits, o.out, o.in, o.group_size, o.act_order, o.symmetric, o.zeros_minus_one);
  }
  RandomGptq(const RandomGptq&) = delete;
  RandomGptq& operator=(const RandomGptq&) = delete;

  const kernels::GptqTensors& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

 private:
  std::vector<std::uint32_t> qweight_;
  std::vector<std::uint32_t> qzeros_;
  std::vector<std::uint32_t> scales_;
  std::vector<std::int32_t> g_idx_;
  kernels::GptqTensors tensors_;
  std::string name_;
};

class RandomAwq {
 public:
  struct Options {
    kernels::AwqLayout layout = kernels::AwqLayout::kGemm;
    std::int64_t out = 32;
    std::int64_t in = 128;
    std::int64_t group_size = 128;
    bool zero_point = true;
    kernels::DType scale_dtype = kernels::DType::kF16;
  };

  RandomAwq(std::mt19937& random, const Options& o) {
    const std::int64_t groups = o.layout == kernels::AwqLayout::kGemm
                                    ? o.in / o.group_size
                                    : kernels::AwqPaddedGroups(o.in, o.group_size);
    qweight_ = RandomWords<std::uint32_t>(o.in * o.out / 8, random);
    qzeros_ = o.layout == kernels::AwqLayout::kGemvFast
                  ? RandomScales(groups * o.out, o.scale_dtype, random, -1.0f)
                  : RandomWords<std::uint32_t>(groups * o.out / 8, random);
    scales_ = RandomScales(groups * o.out, o.scale_dtype, random);
    tensors_ = {.layout = o.layout,
                .out = o.out,
                .in = o.in,
                .group_size = o.group_size,
                .qweight = qweight_.data(),
                .qzeros = o.zero_point ? qzeros_.data() : nullptr,
                .scales = scales_.data(),
                .scale_dtype = o.scale_dtype};
    name_ = fmt::format("awq layout {} [{}, {}], group {}, zero point {}",
                        static_cast<int>(o.layout), o.out, o.in, o.group_size, o.zero_point);
  }
  RandomAwq(const RandomAwq&) = delete;
  RandomAwq& operator=(const RandomAwq&) = delete;

  const kernels::AwqTensors& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

 private:
  std::vector<std::uint32_t> qweight_;
  std::vector<std::uint32_t> qzeros_;
  std::vector<std::uint32_t> scales_;
  kernels::AwqTensors tensors_;
  std::string name_;
};

class RandomBnb4 {
 public:
  struct Options {
    std::int64_t out = 32;
    std::int64_t in = 64;
    std::int64_t block_size = 64;
    bool nested = false;
    const std::array<float, 16>* table = &kernels::kNf4Values;
  };

  RandomBnb4(std::mt19937& random, const Options& o) {
    tensors_ = {.out = o.out, .in = o.in, .block_size = o.block_size, .table = o.table->data()};
    const std::int64_t blocks = tensors_.num_blocks();
    std::uniform_real_distribution<float> uniform(0.05f, 0.2f);
    const auto floats = [&](std::int64_t count) {
      std::vector<float> values(static_cast<std::size_t>(count));
      for (float& value : values) value = uniform(random);
      return values;
    };
    codes_ = RandomWords<std::uint8_t>((o.out * o.in + 1) / 2, random);
    tensors_.codes = codes_.data();
    if (o.nested) {
      nested_codes_ = RandomWords<std::uint8_t>(blocks, random);
      nested_table_ = floats(256);
      absmax_ = floats((blocks + 255) / 256);
      tensors_.nested_codes = nested_codes_.data();
      tensors_.nested_table = nested_table_.data();
      tensors_.nested_absmax = absmax_.data();
      tensors_.nested_offset = 0.1f;
    } else {
      absmax_ = floats(blocks);
      tensors_.absmax = absmax_.data();
    }
    name_ = fmt::format("bitsandbytes [{}, {}], block {}, nested {}", o.out, o.in, o.block_size,
                        o.nested);
  }
  RandomBnb4(const RandomBnb4&) = delete;
  RandomBnb4& operator=(const RandomBnb4&) = delete;

  const kernels::Bnb4Tensors& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

 private:
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint8_t> nested_codes_;
  std::vector<float> nested_table_;
  std::vector<float> absmax_;
  kernels::Bnb4Tensors tensors_;
  std::string name_;
};

class RandomInt8 {
 public:
  RandomInt8(std::mt19937& random, std::int64_t out, std::int64_t in)
      : codes_(RandomWords<std::int8_t>(out * in, random)) {
    std::uniform_real_distribution<float> uniform(0.05f, 0.2f);
    for (std::int64_t n = 0; n < out; ++n) absmax_.push_back(uniform(random));
    tensors_ = {.out = out, .in = in, .codes = codes_.data(), .absmax = absmax_.data()};
  }
  RandomInt8(const RandomInt8&) = delete;
  RandomInt8& operator=(const RandomInt8&) = delete;

  const kernels::Int8Tensors& tensors() const { return tensors_; }

 private:
  std::vector<std::int8_t> codes_;
  std::vector<float> absmax_;
  kernels::Int8Tensors tensors_;
};

inline std::vector<kernels::GgufBlockType> AllGgufBlockTypes() {
  std::vector<kernels::GgufBlockType> types;
  for (int i = 0; i < kernels::kNumGgufBlockTypes; ++i) {
    types.push_back(static_cast<kernels::GgufBlockType>(i));
  }
  return types;
}

// Where a block has its f16 numbers.
inline std::vector<std::size_t> HalvesOfGgufBlock(kernels::GgufBlockType type) {
  using Type = kernels::GgufBlockType;
  switch (type) {
    case Type::kQ4_1:
    case Type::kQ5_1:
    case Type::kQ4_K:
    case Type::kQ5_K:
      return {0, 2};
    case Type::kQ2_K:
      return {80, 82};
    case Type::kQ3_K:
      return {108};
    case Type::kQ6_K:
      return {208};
    default:
      return {0};
  }
}

// Blocks of random bits. Their f16 numbers are near 0.01, or, if `extreme`, any finite ones.
class RandomGguf {
 public:
  RandomGguf(std::mt19937& random, kernels::GgufBlockType type, std::int64_t out, std::int64_t in,
             bool extreme = false) {
    const kernels::GgufBlockSize& size = kernels::SizeOf(type);
    blocks_ = RandomWords<std::uint8_t>(out * (in / size.inputs) * size.bytes, random);
    std::uniform_real_distribution<float> uniform(0.005f, 0.02f);
    const auto block_bytes = static_cast<std::size_t>(size.bytes);
    for (std::size_t block = 0; block < blocks_.size(); block += block_bytes) {
      for (const std::size_t half : HalvesOfGgufBlock(type)) {
        std::uint16_t bits = kernels::F32ToF16(random() % 2 == 0 ? uniform(random) : -0.01f);
        if (extreme) {
          do {
            bits = static_cast<std::uint16_t>(random());
          } while ((bits & 0x7c00) == 0x7c00);
        }
        std::memcpy(blocks_.data() + block + half, &bits, sizeof(bits));
      }
    }
    tensors_ = {.type = type, .out = out, .in = in, .blocks = blocks_.data()};
    name_ = fmt::format("{} [{}, {}]", size.name, out, in);
  }
  RandomGguf(const RandomGguf&) = delete;
  RandomGguf& operator=(const RandomGguf&) = delete;

  const kernels::GgufBlocks& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

 private:
  std::vector<std::uint8_t> blocks_;
  kernels::GgufBlocks tensors_;
  std::string name_;
};

}  // namespace quire::testing
