#include "engine/formats/rounded_weights.h"

namespace quire::engine {
namespace {

// The output matrix, or the embedding table in its place.
bool IsOutputMatrix(const std::string& name) {
  return name == "lm_head" || name.ends_with("embed_tokens");
}

}  // namespace

StatusOr<LinearTensor> RoundedWeights::GetLinear(const std::string& name, std::int64_t out,
                                                 std::int64_t in) const {
  QUIRE_ASSIGN_OR_RETURN(LinearTensor tensor, source_->GetLinear(name, out, in));
  if (tensor.quantized != nullptr) return tensor;
  const kernels::RoundingKind kind =
      IsOutputMatrix(name) ? kernels::RoundingKind::kInt8 : kind_;
  QUIRE_ASSIGN_OR_RETURN(tensor.quantized, kernels::RoundToNearest(tensor.plain.view, kind));
  tensor.owners.push_back(std::move(tensor.plain.owner));
  return tensor;
}

}  // namespace quire::engine
