#include "engine/quantization/calibrated_layers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/quantization/awq.h"
#include "kernels/half.h"

namespace quire::engine {
namespace {

kernels::MatrixView ViewOf(const std::vector<float>& values, const LinearShape& linear) {
  return {.data = const_cast<float*>(values.data()),
          .rows = linear.out,
          .cols = linear.in,
          .row_stride = linear.in};
}

// As it comes back from a file of this type.
float RoundTo(kernels::DType dtype, float value) {
  std::array<std::uint8_t, sizeof(float)> stored{};
  kernels::ConvertFromF32(dtype, &value, stored.data(), 1);
  kernels::ConvertToF32(dtype, stored.data(), &value, 1);
  return value;
}

// The layer of this name, or null.
const LinearShape* FindLinear(const std::vector<LinearGroup>& layer, const std::string& name) {
  for (const LinearGroup& group : layer) {
    for (const LinearShape& linear : group.linears) {
      if (linear.name == name) return &linear;
    }
  }
  return nullptr;
}

// The factors that the outputs of `name` give up, or none.
const std::vector<float>* FactorsFrom(const std::string& name,
                                      const std::vector<LinearGroup>& layer,
                                      const std::vector<std::vector<float>>& factors) {
  for (std::size_t g = 0; g < layer.size(); ++g) {
    if (layer[g].source == name && !factors[g].empty()) return &factors[g];
  }
  return nullptr;
}

}  // namespace

StatusOr<std::vector<float>> ReadWeight(const WeightSource& source, const LinearShape& linear) {
  QUIRE_ASSIGN_OR_RETURN(const LinearTensor tensor,
                         linear.is_transposed
                             ? source.GetTransposedLinear(linear.name, linear.out, linear.in)
                             : source.GetLinear(linear.name, linear.out, linear.in));
  const kernels::MatrixView& view = tensor.plain.view;
  std::vector<float> values(static_cast<std::size_t>(linear.out * linear.in));
  kernels::ConvertToF32(view.dtype, view.data, values.data(), linear.out * linear.in);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return DataLoss("tensor {}.weight: element {}: wanted a finite number", linear.name, i);
  }
  return values;
}

StatusOr<QuantizedLayer> CalibratedLayers::QuantizeNext() {
  const std::vector<LinearGroup>& layer = plan_.layers()[next_++];
  std::vector<std::string> names;  // one stands for all that have its input
  for (const LinearGroup& group : layer) names.push_back(group.linears.front().name);
  QUIRE_ASSIGN_OR_RETURN(const Moments moments, calibration_.Measure(done_, names));
  QuantizedLayer quantized;
  if (plan_.method() == QuantizationMethod::kAwq) {
    QUIRE_RETURN_IF_ERROR(QuantizeByAwq(layer, moments, quantized));
  } else {
    for (const LinearGroup& group : layer) {
      QUIRE_RETURN_IF_ERROR(
          QuantizeByGptq(group, moments.at(group.linears.front().name), quantized));
    }
  }
  if (next_ < plan_.layers().size()) QUIRE_RETURN_IF_ERROR(calibration_.Advance(done_));
  return quantized;
}

void CalibratedLayers::Add(const LinearShape& linear, kernels::GroupCodes codes,
                           QuantizedLayer& to) {
  for (EncodedTensor& tensor : EncodeCodes(linear, plan_.EncodingOf(linear.name), codes)) {
    to.tensors.push_back(std::move(tensor));
  }
  done_.SetLinear(linear.name, std::move(codes));
}

bool CalibratedLayers::AllQuantized(const LinearGroup& group) const {
  return std::all_of(group.linears.begin(), group.linears.end(),
                     [&](const LinearShape& linear) { return plan_.IsQuantized(linear.name); });
}

Status CalibratedLayers::QuantizeByGptq(const LinearGroup& group, const InputMoments& moments,
                                        QuantizedLayer& to) {
  const GptqOptions options = {.group_size = plan_.group_size(),
                               .act_order = plan_.description().act_order,
                               .num_threads = num_threads_};
  GptqInputs inputs;  // not before a layer needs it
  for (const LinearShape& linear : group.linears) {
    if (!plan_.IsQuantized(linear.name)) continue;
    if (inputs.upper.empty()) {
      auto prepared = PrepareGptq(moments, options);
      if (!prepared.ok()) return Annotate(prepared.status(), "layer " + linear.name);
      inputs = *std::move(prepared);
    }
    QUIRE_ASSIGN_OR_RETURN(const std::vector<float> weight, ReadWeight(*source_, linear));
    Add(linear, QuantizeGptq(ViewOf(weight, linear), inputs, options), to);
  }
  return OkStatus();
}

bool CalibratedLayers::CanTakeFactors(const std::vector<LinearGroup>& layer,
                                      const LinearGroup& group) const {
  if (!AllQuantized(group)) return false;
  if (group.source_is_norm) return true;
  // With fewer heads of v than of q a channel of v is several inputs of o.
  const LinearShape* const source = FindLinear(layer, group.source);
  return source != nullptr && source->out == group.linears.front().in &&
         plan_.IsQuantized(source->name);
}

Status CalibratedLayers::DivideSource(const LinearGroup& group, std::vector<float>& factors,
                                      QuantizedLayer& to) {
  if (group.source_is_norm) {
    QUIRE_RETURN_IF_ERROR(
        DivideVector(group.source + ".weight", norm_offset_, /*exact=*/true, factors, to));
  }
  const std::string bias = group.source + ".bias";
  if (!source_->Contains(bias)) return OkStatus();
  return DivideVector(bias, /*offset=*/0, /*exact=*/false, factors, to);
}

Status CalibratedLayers::DivideVector(const std::string& name, float offset, bool exact,
                                      std::vector<float>& factors, QuantizedLayer& to) {
  const std::array shape = {static_cast<std::int64_t>(factors.size())};
  QUIRE_ASSIGN_OR_RETURN(const HostTensor tensor, source_->Get(name, shape));
  const kernels::DType dtype = tensor.view.dtype;
  std::vector<float> values(factors.size());
  kernels::ConvertToF32(dtype, tensor.view.data, values.data(), shape[0]);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const float whole = values[k] + offset;
    const float divided = RoundTo(dtype, whole / factors[k] - offset);
    if (exact) {
      const float factor = whole / (divided + offset);
      const bool is_factor = std::isfinite(factor) && factor > 0;
      factors[k] = is_factor ? factor : 1.0f;
      if (!is_factor) continue;
    }
    values[k] = divided;
  }
  done_.SetVector(name, values);
  to.vectors[name] = std::move(values);
  return OkStatus();
}

StatusOr<std::vector<std::vector<float>>> CalibratedLayers::AwqFactors(
    const std::vector<LinearGroup>& layer, const Moments& moments) {
  std::vector<std::vector<float>> factors(layer.size());
  for (std::size_t g = 0; g < layer.size(); ++g) {
    if (!CanTakeFactors(layer, layer[g])) continue;
    std::vector<std::vector<float>> weights;
    std::vector<kernels::MatrixView> views;
    for (const LinearShape& linear : layer[g].linears) {
      QUIRE_ASSIGN_OR_RETURN(std::vector<float> weight, ReadWeight(*source_, linear));
      weights.push_back(std::move(weight));
      views.push_back(ViewOf(weights.back(), linear));
    }
    QUIRE_ASSIGN_OR_RETURN(factors[g],
                           SearchAwqFactors(views, moments.at(layer[g].linears.front().name),
                                            plan_.group_size(), device_));
  }
  return factors;
}

Status CalibratedLayers::QuantizeByAwq(const std::vector<LinearGroup>& layer,
                                       const Moments& moments, QuantizedLayer& to) {
  QUIRE_ASSIGN_OR_RETURN(auto factors, AwqFactors(layer, moments));
  for (std::size_t g = 0; g < layer.size(); ++g) {
    if (factors[g].empty()) continue;
    QUIRE_RETURN_IF_ERROR(DivideSource(layer[g], factors[g], to));
  }
  for (std::size_t g = 0; g < layer.size(); ++g) {
    for (const LinearShape& linear : layer[g].linears) {
      if (!plan_.IsQuantized(linear.name)) continue;
      QUIRE_ASSIGN_OR_RETURN(std::vector<float> weight, ReadWeight(*source_, linear));
      const std::vector<float>* const given_up = FactorsFrom(linear.name, layer, factors);
      for (std::int64_t n = 0; n < linear.out; ++n) {
        float* row = weight.data() + n * linear.in;
        const float divisor = given_up == nullptr ? 1 : (*given_up)[static_cast<std::size_t>(n)];
        for (std::int64_t k = 0; k < linear.in; ++k) {
          const float factor = factors[g].empty() ? 1 : factors[g][static_cast<std::size_t>(k)];
          row[k] *= factor / divisor;
        }
      }
      Add(linear, kernels::RoundGroups(ViewOf(weight, linear), plan_.group_size()), to);
    }
  }
  return OkStatus();
}

}  // namespace quire::engine
