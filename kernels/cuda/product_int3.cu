#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt3(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<3>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
