#include "engine/quantization/quantize_model.h"

#include <memory>

#include "engine/formats/checkpoint.h"
#include "engine/formats/checkpoint_writer.h"
#include "engine/formats/gguf_file.h"
#include "engine/model/model_config.h"
#include "engine/quantization/calibrated_layers.h"
#include "engine/quantization/output_directory.h"
#include "engine/quantization/quantization_json.h"
#include "engine/quantization/quantization_plan.h"
#include "kernels/half.h"

namespace quire::engine {
namespace {

Status Validate(const QuantizeOptions& options, const ModelConfig& config) {
  if (config.task != ModelTask::kGenerate) {
    return InvalidArgument("{}: wanted a language model, have {}, which {}", options.model_path,
                           config.architecture, Purpose(config.task));
  }
  if (config.quantization) {
    return FailedPrecondition("{}: wanted weights in F32, F16 or BF16, have {} already",
                              options.model_path, config.quantization->method_name());
  }
  if (NeedsCalibration(options.method) && options.calibration_text.empty()) {
    return InvalidArgument("{}: wanted a calibration text, have none",
                           QuantizationMethodName(options.method));
  }
  if (options.calibration_windows < 1 || options.window_tokens < 2) {
    return InvalidArgument("calibration: wanted at least one window of two tokens, have {} of {}",
                           options.calibration_windows, options.window_tokens);
  }
  return OkStatus();
}

Status WriteAll(CheckpointWriter& writer, const std::vector<EncodedTensor>& tensors) {
  for (const EncodedTensor& tensor : tensors) {
    QUIRE_RETURN_IF_ERROR(writer.Write(tensor.spec.name, tensor.bytes));
  }
  return OkStatus();
}

// A vector in the type that the checkpoint has it in.
Status WriteVector(CheckpointWriter& writer, const Checkpoint& checkpoint, const std::string& name,
                   const std::vector<float>& values) {
  QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, checkpoint.Stored(name));
  std::vector<std::uint8_t> bytes(stored.bytes.size());
  kernels::ConvertFromF32(*ToKernelDType(stored.dtype), values.data(), bytes.data(),
                          static_cast<std::int64_t>(values.size()));
  return writer.Write(name, bytes);
}

// One run: from a checkpoint to the files of another.
class Run {
 public:
  Run(const QuantizeOptions& options, const ModelConfig& config, const QuantizationPlan& plan,
      std::shared_ptr<const Checkpoint> checkpoint, kernels::Device& device, int num_threads,
      const QuantizeProgress& progress)
      : options_(options),
        config_(config),
        plan_(plan),
        checkpoint_(std::move(checkpoint)),
        device_(device),
        num_threads_(num_threads),
        progress_(progress) {}

  StatusOr<QuantizeResult> Write();

 private:
  Status WriteRounded(CheckpointWriter& writer) const;
  // Notes the vectors that it has written in `written`.
  StatusOr<std::int64_t> WriteCalibrated(CheckpointWriter& writer, const Calibration& calibration,
                                         std::map<std::string, std::vector<float>>& vectors) const;
  Status CopyRest(CheckpointWriter& writer,
                  const std::map<std::string, std::vector<float>>& vectors) const;
  bool IsReplaced(const std::string& tensor) const;

  const QuantizeOptions& options_;
  const ModelConfig& config_;
  const QuantizationPlan& plan_;
  const std::shared_ptr<const Checkpoint> checkpoint_;
  kernels::Device& device_;
  const int num_threads_;
  const QuantizeProgress& progress_;
};

Status Run::WriteRounded(CheckpointWriter& writer) const {
  std::int64_t done = 0;
  for (const std::vector<LinearGroup>& layer : plan_.layers()) {
    progress_("quantizing layer", done++, static_cast<std::int64_t>(plan_.layers().size()));
    for (const LinearGroup& group : layer) {
      for (const LinearShape& linear : group.linears) {
        QUIRE_ASSIGN_OR_RETURN(const std::vector<float> weight, ReadWeight(*checkpoint_, linear));
        const kernels::MatrixView view = {.data = const_cast<float*>(weight.data()),
                                          .rows = linear.out,
                                          .cols = linear.in,
                                          .row_stride = linear.in};
        QUIRE_RETURN_IF_ERROR(
            WriteAll(writer, EncodeRounded(linear, plan_.EncodingOf(linear.name), view)));
      }
    }
  }
  return OkStatus();
}

StatusOr<std::int64_t> Run::WriteCalibrated(
    CheckpointWriter& writer, const Calibration& calibration,
    std::map<std::string, std::vector<float>>& vectors) const {
  CalibratedLayers layers(plan_, checkpoint_, calibration, config_.norm_weight_offset, device_,
                          num_threads_);
  const auto num_layers = static_cast<std::int64_t>(plan_.layers().size());
  for (std::int64_t i = 0; i < num_layers; ++i) {
    progress_("quantizing layer", i, num_layers);
    QUIRE_ASSIGN_OR_RETURN(QuantizedLayer layer, layers.QuantizeNext());
    QUIRE_RETURN_IF_ERROR(WriteAll(writer, layer.tensors));
    vectors.merge(layer.vectors);
  }
  return calibration.num_tokens();
}

bool Run::IsReplaced(const std::string& tensor) const {
  constexpr std::string_view kWeight = ".weight";
  return tensor.ends_with(kWeight) &&
         plan_.IsQuantized(tensor.substr(0, tensor.size() - kWeight.size()));
}

Status Run::CopyRest(CheckpointWriter& writer,
                     const std::map<std::string, std::vector<float>>& vectors) const {
  for (const TensorSpec& spec : plan_.OutputTensors(*checkpoint_)) {
    if (!checkpoint_->Contains(spec.name) || IsReplaced(spec.name)) continue;
    const auto edited = vectors.find(spec.name);
    if (edited != vectors.end()) {
      QUIRE_RETURN_IF_ERROR(WriteVector(writer, *checkpoint_, spec.name, edited->second));
      continue;
    }
    QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, checkpoint_->Stored(spec.name));
    QUIRE_RETURN_IF_ERROR(writer.Write(spec.name, stored.bytes));
  }
  return OkStatus();
}

StatusOr<QuantizeResult> Run::Write() {
  QuantizeResult result = {.files = {},
                           .group_size = 0,
                           .plain_layers = plan_.PlainLayers(),
                           .num_linear_layers = plan_.num_linear_layers(),
                           .calibration_tokens = 0};
  std::optional<Calibration> calibration;
  if (NeedsCalibration(options_.method)) {
    result.group_size = static_cast<std::int32_t>(plan_.group_size());
    QUIRE_ASSIGN_OR_RETURN(
        calibration,
        Calibration::Create(options_.model_path, options_.calibration_text, config_,
                            options_.window_tokens, options_.calibration_windows, device_));
  }
  QUIRE_ASSIGN_OR_RETURN(const auto output, OutputDirectory::Create(options_.output_path));
  QUIRE_ASSIGN_OR_RETURN(
      const auto writer,
      CheckpointWriter::Create(output->partial_path(), plan_.OutputTensors(*checkpoint_),
                               options_.max_shard_bytes));
  std::map<std::string, std::vector<float>> vectors;
  if (calibration) {
    QUIRE_ASSIGN_OR_RETURN(result.calibration_tokens,
                           WriteCalibrated(*writer, *calibration, vectors));
  } else {
    QUIRE_RETURN_IF_ERROR(WriteRounded(*writer));
  }
  QUIRE_RETURN_IF_ERROR(CopyRest(*writer, vectors));
  QUIRE_RETURN_IF_ERROR(CheckUnchanged(checkpoint_->files()));
  QUIRE_ASSIGN_OR_RETURN(const std::string config,
                         ConfigWithQuantization(options_.model_path, plan_.description()));
  QUIRE_RETURN_IF_ERROR(output->WriteText("config.json", config));
  QUIRE_ASSIGN_OR_RETURN(result.files, output->CopyModelFiles(options_.model_path));
  result.files.insert(result.files.begin(), "config.json");
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> weights, writer->Finish());
  result.files.insert(result.files.end(), weights.begin(), weights.end());
  QUIRE_RETURN_IF_ERROR(CheckUnchanged(checkpoint_->files()));
  QUIRE_RETURN_IF_ERROR(output->Finish());
  return result;
}

}  // namespace

StatusOr<QuantizeResult> QuantizeModel(const QuantizeOptions& options, kernels::Device& device,
                                       int num_threads, const QuantizeProgress& progress) {
  const std::string& path = options.model_path;
  if (IsGgufPath(path)) {
    return InvalidArgument("{}: wanted a Hugging Face directory, have a GGUF file", path);
  }
  QUIRE_ASSIGN_OR_RETURN(const ModelConfig config, LoadModelConfig(path));
  QUIRE_RETURN_IF_ERROR(Validate(options, config));
  QUIRE_ASSIGN_OR_RETURN(std::shared_ptr<const Checkpoint> checkpoint, Checkpoint::Open(path));
  QUIRE_ASSIGN_OR_RETURN(const auto plan,
                         QuantizationPlan::Create(config, *checkpoint, options.method,
                                                  options.group_size, options.act_order));
  return Run(options, config, plan, std::move(checkpoint), device, num_threads, progress).Write();
}

}  // namespace quire::engine
