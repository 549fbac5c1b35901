#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt2(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<2>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
