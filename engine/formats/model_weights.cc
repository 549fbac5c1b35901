#include "engine/formats/model_weights.h"

#include <utility>

#include "engine/formats/gguf_weights.h"
#include "engine/formats/quantized_checkpoint.h"
#include "engine/formats/rounded_weights.h"

namespace quire::engine {
namespace {

// Codes of codes would lose more than either promises, so nobody gets them unasked.
Status QuantizedAlready(const std::string& path, std::string_view format,
                        kernels::RoundingKind on_load) {
  return FailedPrecondition("{}: quantize {}: wanted weights in F32, F16 or BF16, have {} already",
                            path, kernels::RoundingKindName(on_load), format);
}

}  // namespace

std::shared_ptr<const WeightSource> ModelWeights(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const std::optional<QuantizationConfig>& stored,
                                                 std::optional<kernels::RoundingKind> on_load) {
  std::shared_ptr<const WeightSource> weights = checkpoint;
  if (stored) {
    weights = std::make_shared<const QuantizedCheckpoint>(std::move(checkpoint), *stored);
  }
  return QuantizeOnLoad(std::move(weights), on_load);
}

StatusOr<std::shared_ptr<const WeightSource>> OpenModelWeights(
    const std::string& path, const std::optional<QuantizationConfig>& stored,
    std::optional<kernels::RoundingKind> on_load) {
  if (IsGgufPath(path)) {
    QUIRE_ASSIGN_OR_RETURN(auto weights, GgufWeights::Open(path));
    if (on_load && weights->holds_blocks()) {
      return QuantizedAlready(path, "quantized blocks", *on_load);
    }
    return QuantizeOnLoad(std::move(weights), on_load);
  }
  if (on_load && stored) return QuantizedAlready(path, stored->method_name(), *on_load);
  QUIRE_ASSIGN_OR_RETURN(auto checkpoint, Checkpoint::Open(path));
  return ModelWeights(std::move(checkpoint), stored, on_load);
}

std::shared_ptr<const WeightSource> QuantizeOnLoad(std::shared_ptr<const WeightSource> source,
                                                   std::optional<kernels::RoundingKind> on_load) {
  if (!on_load) return source;
  return std::make_shared<const RoundedWeights>(std::move(source), *on_load);
}

}  // namespace quire::engine
