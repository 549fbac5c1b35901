#include "kernels/activation.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__device__ float Activate(ActivationKind kind, float x) {
  switch (kind) {
    case ActivationKind::kSilu:
      return x / (1.0f + expf(-x));
    case ActivationKind::kGelu:  // erfc, not 1 + erf: no cancellation for negative x
      return x * 0.5f * erfcf(x * -0.707106781f);
    case ActivationKind::kGeluTanh:
      return x / (1.0f + expf(-1.59576912f * x * (1.0f + 0.044715f * x * x)));
    case ActivationKind::kRelu:
      return fmaxf(x, 0.0f);
  }
  return 0.0f;
}

// One block per token; threads stride over the row. `up` null means the activation alone; out may
// be gate or up.
__global__ void __launch_bounds__(kThreads)
    ActivationKernel(const float* gate, const float* up, float* out, std::int64_t size,
                     std::int64_t gate_stride, std::int64_t up_stride, std::int64_t out_stride,
                     ActivationKind kind) {
  const std::int64_t token = blockIdx.x;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) {
    const float value = Activate(kind, gate[token * gate_stride + i]);
    out[token * out_stride + i] = up == nullptr ? value : value * up[token * up_stride + i];
  }
}

// One block per token; threads stride over the row.
__global__ void __launch_bounds__(kThreads)
    AddKernel(float* x, const float* y, std::int64_t size, std::int64_t x_stride,
              std::int64_t y_stride) {
  const std::int64_t token = blockIdx.x;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) {
    x[token * x_stride + i] += y[token * y_stride + i];
  }
}

// One block per token; threads stride over the row.
__global__ void __launch_bounds__(kThreads)
    ScaleKernel(float* x, std::int64_t size, std::int64_t x_stride, float factor) {
  float* const row = x + blockIdx.x * x_stride;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) row[i] *= factor;
}

// One block per token; threads stride over the row.
__global__ void __launch_bounds__(kThreads)
    SoftCapKernel(float* x, std::int64_t size, std::int64_t x_stride, float cap) {
  float* const row = x + blockIdx.x * x_stride;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) row[i] = SoftCapped(row[i], cap);
}

}  // namespace

void GatedActivation(const GatedActivationArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.gate.rows == 0) return;
  Launch(ActivationKernel, {static_cast<unsigned>(args.gate.rows), kThreads}, cuda,
         Floats(args.gate), Floats(args.up), Floats(args.out), args.gate.cols, args.gate.row_stride,
         args.up.row_stride, args.out.row_stride, args.kind);
}

void Activation(const ActivationArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(ActivationKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         nullptr, Floats(args.x), args.x.cols, args.x.row_stride, 0, args.x.row_stride, args.kind);
}

void Add(const AddArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(AddKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         Floats(args.y), args.x.cols, args.x.row_stride, args.y.row_stride);
}

void Scale(const ScaleArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(ScaleKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         args.x.cols, args.x.row_stride, args.factor);
}

void SoftCap(const SoftCapArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(SoftCapKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         args.x.cols, args.x.row_stride, args.cap);
}

}  // namespace quire::kernels::cuda
