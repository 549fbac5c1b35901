#include "kernels/quantized_linear.h"

#include "kernels/cuda/operations.h"
#include "kernels/cuda/packed_weight.h"
#include "kernels/cuda/run_product.h"

namespace quire::kernels::cuda {
namespace {

LaunchProductFn* LauncherFor(const WeightView& w) {
  if (w.has_table) return &LaunchProductTable4;
  switch (w.code_bits) {
    case 2:
      return &LaunchProductInt2;
    case 3:
      return &LaunchProductInt3;
    case 4:
      return &LaunchProductInt4;
    case 5:
      return &LaunchProductInt5;
    case 6:
      return &LaunchProductInt6;
    default:
      return &LaunchProductInt8;
  }
}

}  // namespace

void QuantizedLinear(const QuantizedLinearArgs& args, Stream& stream) {
  const WeightView& weight = static_cast<const CudaPackedWeight&>(*args.weight).view();
  RunProduct({.x = args.x,
              .weight = weight,
              .element = DType::kF16,
              .is_plain = false,
              .launch = LauncherFor(weight),
              .bias = args.bias,
              .y = args.y,
              .accumulate = args.accumulate},
             CudaStream::Bind(stream));
}

}  // namespace quire::kernels::cuda
