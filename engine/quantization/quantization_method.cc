#include "engine/quantization/quantization_method.h"

#include <algorithm>

namespace quire::engine {

StatusOr<QuantizationMethod> ParseQuantizationMethod(std::string_view name) {
  const auto found = std::find(kQuantizationMethods.begin(), kQuantizationMethods.end(), name);
  if (found == kQuantizationMethods.end()) {
    return InvalidArgument("quantization: wanted {}, have \"{}\"",
                           fmt::join(kQuantizationMethods, ", "), name);
  }
  return static_cast<QuantizationMethod>(found - kQuantizationMethods.begin());
}

std::string_view QuantizationMethodName(QuantizationMethod method) {
  return kQuantizationMethods[static_cast<std::size_t>(method)];
}

bool NeedsCalibration(QuantizationMethod method) {
  return method == QuantizationMethod::kGptq || method == QuantizationMethod::kAwq;
}

}  // namespace quire::engine
