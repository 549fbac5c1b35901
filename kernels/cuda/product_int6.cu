#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt6(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<6>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
