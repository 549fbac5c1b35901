#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/quantization/quantization_method.h"
#include "kernels/device.h"

namespace quire::engine {

struct QuantizeOptions {
  std::string model_path;   // a Hugging Face directory of F32, F16 or BF16 weights
  std::string output_path;  // a directory that is empty or not there
  QuantizationMethod method = QuantizationMethod::kNf4;
  std::uint64_t max_shard_bytes = std::uint64_t{4} << 30;  // a file holds at least one tensor

  // For gptq and awq.
  std::string calibration_text;            // UTF-8, of the kind that the model will be used on
  std::int32_t calibration_windows = 128;  // at most
  std::int32_t window_tokens = 512;        // at most
  // Inputs that share a scale: 32, 64 or 128; 0: 128, or less where that divides more layers.
  std::int32_t group_size = 0;
  bool act_order = false;  // gptq alone
};

struct QuantizeResult {
  std::vector<std::string> files;  // names in the output directory
  std::int32_t group_size = 0;     // of gptq and awq
  // Linear layers that stay as they are, as their shapes do not fit the format.
  std::vector<std::string> plain_layers;
  std::int64_t num_linear_layers = 0;
  std::int64_t calibration_tokens = 0;
};

// What is done, how much of it, of how much.
using QuantizeProgress =
    std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)>;

// Writes a quantized copy of a language model: weights, config.json with quantization_config, and
// the other files as they are. Embedding table and output matrix, norms and biases are copied; awq
// changes norms. Layer by layer: one layer's weights in f32 and, with gptq and awq, the moments of
// its inputs are in memory, and the codes of the layers before it.
//
// `device` is a CPU; `num_threads` work beside its own, when those wait. Returns NOT_FOUND if there
// is no such model; FAILED_PRECONDITION if it is quantized already; UNIMPLEMENTED for other
// architectures than LinearGroups knows; INVALID_ARGUMENT naming the option, or if no layer fits;
// DATA_LOSS naming the tensor if weights are damaged or no numbers; RESOURCE_EXHAUSTED if the
// output cannot be written. Nothing is left at `output_path` then.
StatusOr<QuantizeResult> QuantizeModel(const QuantizeOptions& options, kernels::Device& device,
                                       int num_threads, const QuantizeProgress& progress);

}  // namespace quire::engine
