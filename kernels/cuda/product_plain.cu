#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductF16(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  if (args.x.terms == 1) {
    LaunchProduct<PlainElements<__half>, 1>(args, grid, stream);
  } else {
    LaunchProduct<PlainElements<__half>, 2>(args, grid, stream);
  }
}

void LaunchProductBF16(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  if (args.x.terms == 1) {
    LaunchProduct<PlainElements<__nv_bfloat16>, 1>(args, grid, stream);
  } else {
    LaunchProduct<PlainElements<__nv_bfloat16>, 3>(args, grid, stream);
  }
}

}  // namespace quire::kernels::cuda
