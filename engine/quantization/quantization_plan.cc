#include "engine/quantization/quantization_plan.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "engine/model/weight_prefix.h"

namespace quire::engine {
namespace {

constexpr std::array<std::int32_t, 3> kGroupSizes = {128, 64, 32};

// The group size under which most elements of `layer` are quantized.
std::int64_t BestGroupSize(const std::vector<LinearGroup>& layer, QuantizationMethod method) {
  std::int64_t best = kGroupSizes.front();
  std::int64_t most_elements = -1;
  for (const std::int32_t group_size : kGroupSizes) {
    std::int64_t elements = 0;
    for (const LinearGroup& group : layer) {
      for (const LinearShape& linear : group.linears) {
        if (FitsMethod(linear, {.method = method, .group_size = group_size})) {
          elements += linear.out * linear.in;
        }
      }
    }
    if (elements > most_elements) {
      most_elements = elements;
      best = group_size;
    }
  }
  return best;
}

template <typename Visit>
void ForEachLinear(const std::vector<std::vector<LinearGroup>>& layers, const Visit& visit) {
  for (const std::vector<LinearGroup>& layer : layers) {
    for (const LinearGroup& group : layer) {
      for (const LinearShape& linear : group.linears) visit(linear);
    }
  }
}

}  // namespace

StatusOr<QuantizationPlan> QuantizationPlan::Create(const ModelConfig& config,
                                                    const Checkpoint& checkpoint,
                                                    QuantizationMethod method,
                                                    std::int32_t group_size, bool act_order) {
  if (method == QuantizationMethod::kAwq && config.layout.has_transposed_weights) {
    return Unimplemented(
        "awq: {}: wanted layers stored [out, in]: readers of awq, transformers among them, do not "
        "look for quantized layers in this family",
        config.architecture);
  }
  QuantizationPlan plan;
  const std::string prefix = FindWeightPrefix(
      config.layout, [&](const std::string& name) { return checkpoint.Contains(name); });
  for (std::int32_t i = 0; i < config.num_layers; ++i) {
    QUIRE_ASSIGN_OR_RETURN(auto layer, LinearGroups(config, prefix, i));
    plan.layers_.push_back(std::move(layer));
  }
  if (group_size == 0) {
    group_size = static_cast<std::int32_t>(BestGroupSize(plan.layers_.front(), method));
  } else if (std::find(kGroupSizes.begin(), kGroupSizes.end(), group_size) == kGroupSizes.end()) {
    return InvalidArgument("group size: wanted 32, 64 or 128, have {}", group_size);
  }
  plan.description_.encoding.method = method;
  plan.description_.encoding.group_size = group_size;
  plan.description_.act_order = act_order;
  Status status;
  ForEachLinear(plan.layers_, [&](const LinearShape& linear) {
    const auto weight = checkpoint.Get(linear.name + ".weight", linear.stored_shape());
    const auto stored = checkpoint.Stored(linear.name + ".weight");
    if (status.ok()) status = weight.status();
    if (status.ok()) status = stored.status();
    if (status.ok()) plan.Choose(linear, stored->dtype);
  });
  QUIRE_RETURN_IF_ERROR(status);
  if (plan.stored_dtypes_.empty()) {
    return InvalidArgument(
        "{}: wanted linear layers of multiples of 32 whose inputs groups of {} divide, have none",
        QuantizationMethodName(method), group_size);
  }
  return plan;
}

void QuantizationPlan::Choose(const LinearShape& linear, TensorDType stored_dtype) {
  const bool fits = FitsMethod(linear, description_.encoding);
  if (fits) {
    // What all layers share is said once, by the first.
    if (stored_dtypes_.empty()) description_.encoding.stored_dtype = stored_dtype;
    stored_dtypes_[linear.name] = stored_dtype;
    by_weight_name_[linear.name + ".weight"] = linear;
  }
  auto& suffixes = fits ? description_.quantized_suffixes : description_.plain_suffixes;
  if (std::find(suffixes.begin(), suffixes.end(), linear.suffix) == suffixes.end()) {
    suffixes.push_back(linear.suffix);
  }
}

EncodingOptions QuantizationPlan::EncodingOf(const std::string& linear) const {
  EncodingOptions encoding = description_.encoding;
  encoding.stored_dtype = stored_dtypes_.at(linear);
  return encoding;
}

std::vector<TensorSpec> QuantizationPlan::OutputTensors(const Checkpoint& checkpoint) const {
  std::vector<TensorSpec> specs;
  std::unordered_set<std::string> seen;  // shards may repeat what the index takes from one of them
  for (const auto& file : checkpoint.shards()) {
    for (const TensorInfo& tensor : file->tensors()) {
      if (!checkpoint.Contains(tensor.name) || !seen.insert(tensor.name).second) continue;
      const auto quantized = by_weight_name_.find(tensor.name);
      if (quantized == by_weight_name_.end()) {
        specs.push_back({tensor.name, tensor.dtype, tensor.shape});
        continue;
      }
      const LinearShape& linear = quantized->second;
      for (TensorSpec& spec : EncodedSpecs(linear, EncodingOf(linear.name))) {
        specs.push_back(std::move(spec));
      }
    }
  }
  return specs;
}

std::vector<std::string> QuantizationPlan::PlainLayers() const {
  std::vector<std::string> names;
  ForEachLinear(layers_, [&](const LinearShape& linear) {
    if (!IsQuantized(linear.name)) names.push_back(linear.name);
  });
  return names;
}

std::int64_t QuantizationPlan::num_linear_layers() const {
  std::int64_t count = 0;
  ForEachLinear(layers_, [&](const LinearShape&) { ++count; });
  return count;
}

}  // namespace quire::engine
