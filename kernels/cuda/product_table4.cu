#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {

void LaunchProductTable4(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  if (args.x.terms == 1) {
    LaunchProduct<TableCodes<1>, 1>(args, grid, stream);
  } else if (args.weight.table_is_f16) {
    LaunchProduct<TableCodes<1>, 2>(args, grid, stream);
  } else {
    LaunchProduct<TableCodes<2>, 2>(args, grid, stream);
  }
}

}  // namespace quire::kernels::cuda
