#pragma once

#include <functional>
#include <memory>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/device.h"

namespace quire::kernels::cuda {

// Device::Record and Device::Replay by CUDA graphs. Source: CUDA C++ Programming Guide, "CUDA
// Graphs", "Creating a Graph Using Stream Capture".
std::unique_ptr<Recording> RecordGraph(CudaStream& stream, const std::function<void()>& enqueue);
bool ReplayGraph(const Recording& recording, CudaStream& stream);

}  // namespace quire::kernels::cuda
