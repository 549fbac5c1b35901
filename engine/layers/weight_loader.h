#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "kernels/device.h"

namespace quire::engine {

// A weight where kernels read it, with what keeps its memory alive.
struct Weight {
  kernels::MatrixView view;
  std::unique_ptr<kernels::DeviceMemory> owner;  // null where the view borrows `host`
  std::shared_ptr<const void> host;              // see HostTensor::owner
};

// The weight of a linear layer: plain, or packed by its device. Two members and no variant, of
// which GCC 12 believes that its other alternative is destroyed uninitialized.
struct LinearWeight {
  Weight plain;
  std::unique_ptr<kernels::PackedWeight> packed;  // null where it is plain

  // As it is stored or packed.
  std::int64_t size_bytes() const;
};

// Where the weight of a linear layer stands in a source: as a layer of its own, or as some rows of
// one that several layers share (Phi-3's qkv_proj).
struct LinearPlace {
  std::string name;  // of the layer that is stored
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t first_row = 0;
  std::int64_t stored_rows = 0;  // of the layer that is stored; 0: `out`
  bool is_transposed = false;    // see WeightSource::GetTransposedLinear
};

// How a vector is read.
struct VectorUse {
  std::int64_t first = 0;  // of the elements [first, first + count)
  std::int64_t count = 0;  // 0: all
  float offset = 0.0f;     // added to every element
};

// Brings the weights of a source to a device; used while a model is loaded, then gone.
//
// Thread-compatible. Everything passed in must outlive it.
class WeightLoader {
 public:
  WeightLoader(const WeightSource& source, kernels::Device& device, kernels::Stream& stream)
      : source_(source), device_(device), stream_(stream) {}

  // [rows, cols] in the type it is stored in. Errors as WeightSource::Get and
  // Device::ImportWeight.
  StatusOr<Weight> Matrix(const std::string& name, std::int64_t rows, std::int64_t cols);
  // The weight [out, in] of a linear layer, plain or quantized as the source has it. Errors as
  // WeightSource::GetLinear, Device::ImportWeight and Device::PackWeight.
  StatusOr<LinearWeight> Linear(const LinearPlace& place);
  // The vector `name`, of `size` elements, as [1, use.count] in f32.
  StatusOr<Weight> Vector(const std::string& name, std::int64_t size, const VectorUse& use = {});

  bool Contains(const std::string& name) const { return source_.Contains(name); }
  // As in WeightSource.
  bool IsQuantized(const std::string& layer) const { return source_.IsQuantized(layer); }
  bool quantizes_on_load() const { return source_.quantizes_on_load(); }
  // Called when all weights are loaded: the mapped files that some of them stay in. Returns
  // DATA_LOSS if a file is not any more what was read.
  StatusOr<MappedFileStates> Finish() const;
  // Bytes of all weights loaded so far, in the type they are stored in or as they are packed.
  std::int64_t weight_bytes() const { return weight_bytes_; }

 private:
  StatusOr<Weight> Import(HostTensor tensor, const std::string& name);
  // The layer that is stored at `place`, all rows of it.
  StatusOr<LinearTensor> Stored(const LinearPlace& place);

  const WeightSource& source_;
  kernels::Device& device_;
  kernels::Stream& stream_;
  std::int64_t weight_bytes_ = 0;
  // The last copy of a plain layer that was stored the other way: layers that are rows of it share
  // it.
  std::string transposed_name_;
  HostTensor transposed_;
  bool borrows_ = false;  // a weight stays where the source has it
};

// `size` floats on `device`. Waits until they are there.
StatusOr<Weight> UploadVector(std::span<const float> values, kernels::Device& device,
                              kernels::Stream& stream);

}  // namespace quire::engine
