#include "engine/formats/rounded_weights.h"

namespace quire::engine {
namespace {

// The output matrix, or the embedding table in its place.
bool IsOutputMatrix(const std::string& name) {
  return name.ends_with("lm_head") || name.ends_with("embed_tokens") || name.ends_with("wte");
}

}  // namespace

StatusOr<LinearTensor> RoundedWeights::GetLinear(const std::string& name, std::int64_t out,
                                                 std::int64_t in) const {
  QUIRE_ASSIGN_OR_RETURN(LinearTensor tensor, source_->GetLinear(name, out, in));
  return Round(name, std::move(tensor));
}

StatusOr<LinearTensor> RoundedWeights::GetTransposedLinear(const std::string& name,
                                                           std::int64_t out,
                                                           std::int64_t in) const {
  QUIRE_ASSIGN_OR_RETURN(LinearTensor tensor, source_->GetTransposedLinear(name, out, in));
  return Round(name, std::move(tensor));
}

StatusOr<LinearTensor> RoundedWeights::Round(const std::string& name, LinearTensor tensor) const {
  if (tensor.quantized != nullptr) return tensor;
  const kernels::RoundingKind kind = IsOutputMatrix(name) ? kernels::RoundingKind::kInt8 : kind_;
  QUIRE_ASSIGN_OR_RETURN(tensor.quantized, kernels::RoundToNearest(tensor.plain.view, kind));
  tensor.owners.push_back(std::move(tensor.plain.owner));
  return tensor;
}

}  // namespace quire::engine
