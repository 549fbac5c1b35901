#include "kernels/quant/row_slice.h"

#include <utility>

#include "base/check.h"

namespace quire::kernels {
namespace {

class RowSlice final : public QuantizedWeight {
 public:
  RowSlice(std::unique_ptr<QuantizedWeight> whole, std::int64_t first, QuantizedLayout layout)
      : QuantizedWeight(std::move(layout)), whole_(std::move(whole)), first_(first) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    whole_->ReadCodes(first_ + first, count, codes);
  }
  void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                  float* shifts) const override {
    whole_->ReadScales(first_ + first, count, scales, shifts);
  }
  void ReadCodesAndScales(std::int64_t first, std::int64_t count, std::uint8_t* codes,
                          float* scales, float* shifts) const override {
    whole_->ReadCodesAndScales(first_ + first, count, codes, scales, shifts);
  }
  void ReadScaleSteps(std::int64_t first, std::int64_t count, const ScaleSteps& to) const override {
    whole_->ReadScaleSteps(first_ + first, count, to);
  }

 private:
  const std::unique_ptr<QuantizedWeight> whole_;
  const std::int64_t first_;
};

}  // namespace

std::unique_ptr<QuantizedWeight> SliceRows(std::unique_ptr<QuantizedWeight> whole,
                                           std::int64_t first, std::int64_t count) {
  QuantizedLayout layout = whole->layout();
  QUIRE_CHECK(first >= 0 && count >= 0 && first + count <= layout.out);
  if (count == layout.out) return whole;
  layout.out = count;
  return std::make_unique<RowSlice>(std::move(whole), first, std::move(layout));
}

}  // namespace quire::kernels
