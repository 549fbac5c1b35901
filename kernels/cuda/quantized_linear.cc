#include "kernels/quantized_linear.h"

#include <cuda_runtime.h>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/operations.h"

namespace quire::kernels::cuda {

// CudaDevice::PackWeight refuses every weight, so nobody has one to call these with.
void QuantizedLinear(const QuantizedLinearArgs&, Stream& stream) {
  CudaStream::Bind(stream).Record(cudaErrorNotSupported);
}

void QuantizedEmbedRows(const QuantizedEmbedRowsArgs&, Stream& stream) {
  CudaStream::Bind(stream).Record(cudaErrorNotSupported);
}

}  // namespace quire::kernels::cuda
