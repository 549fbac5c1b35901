#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

#include "kernels/cuda/cuda_stream.h"

namespace quire::kernels::cuda {

struct LaunchShape {
  dim3 grid;
  unsigned threads = 0;          // of a block
  std::size_t shared_bytes = 0;  // dynamic, of a block
};

// What a kernel has without asking.
inline constexpr std::size_t kDefaultSharedBytes = 48 * 1024;

// Enqueues `kernel` over the blocks of `shape`. An error stays on the stream. A function instead of
// <<<>>>, so that the same sources are ordinary C++ where the emulator compiles them.
template <typename... Params>
void Launch(void (*kernel)(Params...), const LaunchShape& shape, CudaStream& stream,
            std::type_identity_t<Params>... args) {
  if (shape.shared_bytes > kDefaultSharedBytes) {
    stream.Record(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       static_cast<int>(shape.shared_bytes)));
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream.handle();
  stream.Record(cudaLaunchKernelEx(&config, kernel, args...));
  static_cast<void>(cudaGetLastError());  // it is on the stream: the next launch must not report it
}

}  // namespace quire::kernels::cuda
