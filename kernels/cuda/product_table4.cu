#include "kernels/cuda/product.cuh"

namespace quire::kernels::cuda {
namespace {

// A warp reads 128 bytes of shared memory at a time. Few rows are bound by memory, so lanes must
// not wait for one another; many rows need the room.
template <int kTableTerms, int kXTerms>
void LaunchTable(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  constexpr int kCopies = 32 / kTableTerms;
  if (grid.shape == ProductShape::kRows32) {
    LaunchTile<TableCodes<kTableTerms, kCopies / 2>, kXTerms, 4, 4>(args, grid, stream);
  } else if (grid.shape == ProductShape::kRows16) {
    LaunchTile<TableCodes<kTableTerms, kCopies>, kXTerms, 2, 2>(args, grid, stream);
  } else {
    LaunchTile<TableCodes<kTableTerms, kCopies>, kXTerms, 2, 1>(args, grid, stream);
  }
}

}  // namespace

void LaunchProductTable4(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  if (args.x.terms == 1) {
    LaunchTable<1, 1>(args, grid, stream);
  } else if (args.weight.table_is_f16) {
    LaunchTable<1, 2>(args, grid, stream);
  } else {
    LaunchTable<2, 2>(args, grid, stream);
  }
}

}  // namespace quire::kernels::cuda
