#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/formats/checkpoint.h"
#include "engine/formats/quantization_config.h"
#include "engine/formats/weight_source.h"
#include "kernels/quant/round_to_nearest.h"

namespace quire::engine {

// The weights of a checkpoint as a model loads them: quantized as `stored` says and, where that
// leaves plain ones, as `on_load` asks. Its owners: the result and the caller.
std::shared_ptr<const WeightSource> ModelWeights(std::shared_ptr<const Checkpoint> checkpoint,
                                                 const std::optional<QuantizationConfig>& stored,
                                                 std::optional<kernels::RoundingKind> on_load);

// The weights of the model at `path`, a directory or a GGUF file. Errors as Checkpoint::Open and
// GgufWeights::Open; FAILED_PRECONDITION if `on_load` asks to quantize what is stored quantized.
StatusOr<std::shared_ptr<const WeightSource>> OpenModelWeights(
    const std::string& path, const std::optional<QuantizationConfig>& stored,
    std::optional<kernels::RoundingKind> on_load);

// `source` itself, or over it what quantizes on load.
std::shared_ptr<const WeightSource> QuantizeOnLoad(std::shared_ptr<const WeightSource> source,
                                                   std::optional<kernels::RoundingKind> on_load);

}  // namespace quire::engine
