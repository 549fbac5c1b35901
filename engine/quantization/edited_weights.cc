#include "engine/quantization/edited_weights.h"

namespace quire::engine {

void EditedWeights::SetVector(const std::string& name, std::vector<float> values) {
  vectors_[name] = std::make_shared<const std::vector<float>>(std::move(values));
}

void EditedWeights::SetLinear(const std::string& name, kernels::GroupCodes codes) {
  linears_[name] = std::make_shared<const kernels::GroupCodes>(std::move(codes));
}

StatusOr<HostTensor> EditedWeights::Get(const std::string& name,
                                        std::span<const std::int64_t> shape) const {
  const auto found = vectors_.find(name);
  if (found == vectors_.end()) return source_->Get(name, shape);
  const auto size = static_cast<std::int64_t>(found->second->size());
  if (shape.size() != 1 || shape[0] != size) {
    return Internal("tensor {}: wanted [{}], have another shape", name, size);
  }
  const kernels::MatrixView view = {.data = const_cast<float*>(found->second->data()),
                                    .rows = 1,
                                    .cols = size,
                                    .row_stride = size};
  return HostTensor{.view = view, .owner = found->second};
}

StatusOr<LinearTensor> EditedWeights::GetLinear(const std::string& name, std::int64_t out,
                                                std::int64_t in) const {
  const auto found = linears_.find(name);
  if (found == linears_.end()) return source_->GetLinear(name, out, in);
  if (found->second->out != out || found->second->in != in) {
    return Internal("layer {}: wanted [{}, {}], have another shape", name, out, in);
  }
  LinearTensor tensor;
  tensor.quantized = kernels::NewGroupWeight(*found->second);
  tensor.owners.push_back(found->second);
  return tensor;
}

}  // namespace quire::engine
