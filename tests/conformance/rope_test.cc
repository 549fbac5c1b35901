#include "kernels/rope.h"

#include <cmath>

#include "kernels/reference/reference.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {
namespace {

class RopeTest : public KernelTest {
 protected:
  void Check(std::int32_t head_dim, std::int32_t rotary_dim, float attention_factor) {
    SCOPED_TRACE(::testing::Message() << "head_dim " << head_dim << ", rotary_dim " << rotary_dim);
    const std::vector<std::int32_t> positions = {0, 1, 2, 17, 4095, 100'003, 131'072};
    std::vector<float> inverse_frequency;
    for (int i = 0; i < rotary_dim / 2; ++i) {
      inverse_frequency.push_back(static_cast<float>(std::pow(10'000.0, -2.0 * i / rotary_dim)));
    }
    const Matrix x =
        Matrix::Random(static_cast<std::int64_t>(positions.size()), 3 * head_dim, random_);
    RopeArgs args = {.x = x.view(),
                     .positions = positions.data(),
                     .inverse_frequency = inverse_frequency.data(),
                     .head_dim = head_dim,
                     .rotary_dim = rotary_dim,
                     .attention_factor = attention_factor};
    const auto wanted = reference::Rope(args);
    const DeviceMatrix device_x = Upload(x);
    const DeviceArray device_positions = Upload(positions);
    const DeviceArray device_frequency = Upload(inverse_frequency);
    args.x = device_x.view();
    args.positions = device_positions.as<std::int32_t>();
    args.inverse_frequency = device_frequency.as<float>();
    device_.kernels().rope(args, *stream_);
    // rope.h allows 1e-6 for each of sine and cosine; the pair is at most their norm.
    ExpectNear(device_x.Download(), wanted, [&](std::int64_t t, std::int64_t column) {
      const std::int64_t i = column % head_dim;
      if (i >= rotary_dim) return 0.0;
      const std::int64_t half = rotary_dim / 2;
      const double pair =
          std::hypot(x.At(t, column), x.At(t, i < half ? column + half : column - half));
      return 2e-6 * static_cast<double>(attention_factor) * pair;
    });
  }
};

TEST_P(RopeTest, MatchesTheFormula) {
  for (std::int32_t head_dim : {2, 8, 16, 32, 64, 80, 96, 128, 256})
    Check(head_dim, head_dim, 1.0f);
}

TEST_P(RopeTest, LeavesTheRestOfAHeadAlone) {
  Check(64, 32, 1.0f);
  Check(80, 20, 1.0f);
  Check(96, 0, 1.0f);
}

TEST_P(RopeTest, MultipliesByTheAttentionFactor) { Check(128, 64, 1.1902381f); }

QUIRE_FOR_EVERY_DEVICE(RopeTest);

}  // namespace
}  // namespace quire::kernels
