#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt4(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<4>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
