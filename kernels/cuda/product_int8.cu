#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductInt8(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  LaunchInteger<8>(args, grid, stream);
}

}  // namespace quire::kernels::cuda
