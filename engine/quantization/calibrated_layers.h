#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "engine/quantization/calibration.h"
#include "engine/quantization/edited_weights.h"
#include "engine/quantization/gptq.h"
#include "engine/quantization/quantization_plan.h"

namespace quire::engine {

// What becomes of one decoder layer.
struct QuantizedLayer {
  std::vector<EncodedTensor> tensors;                 // in place of linear layers' weights
  std::map<std::string, std::vector<float>> vectors;  // norms and biases that have changed
};

// Quantizes decoder layers by gptq or awq, one after the other: each sees what the quantized layers
// before it make of the calibration text.
//
// Thread-compatible. Plan and device must outlive it.
class CalibratedLayers {
 public:
  // `source`: the model as it is stored, with `norm_offset` to be added to the weights of norms.
  CalibratedLayers(const QuantizationPlan& plan, std::shared_ptr<const WeightSource> source,
                   Calibration calibration, float norm_offset, kernels::Device& device,
                   int num_threads)
      : plan_(plan),
        norm_offset_(norm_offset),
        source_(source),
        done_(std::move(source)),
        calibration_(std::move(calibration)),
        device_(device),
        num_threads_(num_threads) {}

  // The next layer. Errors as Calibration::Measure, PrepareGptq and ReadWeight.
  StatusOr<QuantizedLayer> QuantizeNext();

 private:
  using Moments = std::map<std::string, InputMoments>;

  Status QuantizeByGptq(const LinearGroup& group, const InputMoments& moments, QuantizedLayer& to);
  Status QuantizeByAwq(const std::vector<LinearGroup>& layer, const Moments& moments,
                       QuantizedLayer& to);
  // The factors of each group's input channels; none where all are 1.
  StatusOr<std::vector<std::vector<float>>> AwqFactors(const std::vector<LinearGroup>& layer,
                                                       const Moments& moments);
  // Takes `factors` out of what `group`'s input comes from, a norm's weight (and bias) or a linear
  // layer's bias; its weight is divided when it is quantized.
  Status DivideSource(const LinearGroup& group, std::vector<float>& factors, QuantizedLayer& to);
  // Of the vector `name`, which stands for its numbers plus `offset`. With `exact` the factors
  // become what the numbers make of them as they are stored, rounded.
  Status DivideVector(const std::string& name, float offset, bool exact,
                      std::vector<float>& factors, QuantizedLayer& to);
  bool CanTakeFactors(const std::vector<LinearGroup>& layer, const LinearGroup& group) const;
  bool AllQuantized(const LinearGroup& group) const;
  void Add(const LinearShape& linear, kernels::GroupCodes codes, QuantizedLayer& to);

  const QuantizationPlan& plan_;
  const float norm_offset_;
  const std::shared_ptr<const WeightSource> source_;
  EditedWeights done_;
  const Calibration calibration_;
  kernels::Device& device_;
  const int num_threads_;
  std::int32_t next_ = 0;
};

// The weight [out, in] of a linear layer as f32, dense. Returns DATA_LOSS naming the tensor and the
// element if one is no finite number; errors of WeightSource::Get.
StatusOr<std::vector<float>> ReadWeight(const WeightSource& source, const LinearShape& linear);

}  // namespace quire::engine
