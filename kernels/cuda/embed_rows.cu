#include <type_traits>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/embed_rows.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// One block per token; threads stride over the hidden dimension.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    EmbedRowsKernel(const T* table,           // [vocab_size, hidden]
                    const std::int32_t* ids,  // [tokens]
                    float* out,               // [tokens, hidden]
                    std::int64_t hidden, std::int64_t table_stride, std::int64_t out_stride,
                    bool accumulate) {
  const T* from = table + ids[blockIdx.x] * table_stride;
  float* to = out + blockIdx.x * out_stride;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) {
    const float value = ToFloat(from[i]);
    to[i] = accumulate ? to[i] + value : value;
  }
}

}  // namespace

void EmbedRows(const EmbedRowsArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.out.rows == 0) return;
  WithElementType(args.table.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(EmbedRowsKernel<T>, {static_cast<unsigned>(args.out.rows), kThreads}, cuda,
           static_cast<const T*>(args.table.data), args.ids, Floats(args.out), args.out.cols,
           args.table.row_stride, args.out.row_stride, args.accumulate);
  });
}

}  // namespace quire::kernels::cuda
