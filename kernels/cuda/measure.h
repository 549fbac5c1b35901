#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "kernels/device.h"

// What benchmarks of a CUDA device need beside the Device: its own clock, and marks for what it can
// do. `stream` is of that device.

namespace quire::kernels::cuda {

// The time between two points of a stream, by the device's clock.
class StreamTimer {
 public:
  virtual ~StreamTimer() = default;
  virtual void Start() = 0;
  virtual void Stop() = 0;
  // Waits for Stop. Returns INTERNAL if the device has failed.
  virtual StatusOr<double> Seconds() = 0;
};
StatusOr<std::unique_ptr<StreamTimer>> NewStreamTimer(Stream& stream);

// Bytes a second, read and written ones, of a copy of 1 GiB: the best of five.
StatusOr<double> MeasureCopyBytes(Device& device, Stream& stream);
// Operations a second of cuBLASLt, bf16 [8192, 8192, 8192]: the best of five. Returns NOT_FOUND
// where the library is not there.
StatusOr<double> MeasureMatmulFlops(Device& device, Stream& stream);
// A product x W^T of cuBLASLt, x [rows, in] and W [out, in] in bf16, with memory of its own.
class LibraryMatmul {
 public:
  virtual ~LibraryMatmul() = default;
  // Enqueues it.
  virtual void Run() = 0;
};
// Returns NOT_FOUND where the library is not there or has no kernel for the shape. `stream`
// outlives the product.
StatusOr<std::unique_ptr<LibraryMatmul>> NewLibraryMatmul(Device& device, Stream& stream,
                                                          std::int64_t rows, std::int64_t in,
                                                          std::int64_t out);

}  // namespace quire::kernels::cuda
