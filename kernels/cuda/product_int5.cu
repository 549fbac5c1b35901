#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt5(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<5>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
