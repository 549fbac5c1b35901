// Blocks of every GGUF type against what the Python package `gguf` makes of them, bit for bit; see
// make_gguf_references.py.

#include <gtest/gtest.h>

#include <cstring>

#include "engine/formats/gguf_weights.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

// The file has, for each type, the tensors "NAME.blocks" and "NAME.expected".
TEST(GgufBlocksGoldenTest, ValuesEqualThePackageBitForBit) {
  const auto file = GgufFile::Open("tests/golden/quant/gguf/blocks.gguf");
  ASSERT_THAT(file, IsOk());
  int compared = 0;
  for (const GgufTensor& tensor : (*file)->tensors()) {
    const auto type = BlockTypeOf(tensor.type);
    if (!type) continue;
    const std::string name(TraitsOf(tensor.type).name);
    SCOPED_TRACE(name);
    ASSERT_EQ(tensor.name, name + ".blocks");
    const GgufTensor* expected = (*file)->Find(name + ".expected");
    ASSERT_NE(expected, nullptr);
    ASSERT_EQ(expected->shape, tensor.shape);
    const kernels::GgufBlocks blocks = {.type = *type,
                                        .out = tensor.shape[0],
                                        .in = tensor.shape[1],
                                        .blocks = (*file)->bytes(tensor).data()};
    const auto weight = kernels::NewGgufWeight(blocks);
    ASSERT_THAT(weight, IsOk());
    const std::span<const std::uint8_t> wanted = (*file)->bytes(*expected);
    for (const std::vector<float>& values :
         {kernels::DecodeGguf(blocks), kernels::DecodeQuantizedWeight(**weight)}) {
      ASSERT_EQ(values.size() * sizeof(float), wanted.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        float value = 0;
        std::memcpy(&value, wanted.data() + i * sizeof(float), sizeof(value));
        ASSERT_EQ(std::memcmp(&value, &values[i], sizeof(value)), 0)
            << "element " << i << ": wanted " << value << ", have " << values[i];
      }
    }
    ++compared;
  }
  EXPECT_EQ(compared, kernels::kNumGgufBlockTypes);
}

}  // namespace
}  // namespace quire::engine
