#include "engine/formats/weight_source.h"

#include <algorithm>
#include <array>
#include <utility>

namespace quire::engine {
namespace {

// Rows and columns that are exchanged at a time: their elements, read and written, fill a part of
// the L1 cache.
constexpr std::int64_t kTile = 32;

template <typename Element>
void Transpose(const kernels::MatrixView& from, const kernels::MatrixView& to) {
  const auto* const in = static_cast<const Element*>(from.data);
  auto* const out = static_cast<Element*>(to.data);
  for (std::int64_t row = 0; row < from.rows; row += kTile) {
    for (std::int64_t col = 0; col < from.cols; col += kTile) {
      const std::int64_t row_end = std::min(row + kTile, from.rows);
      const std::int64_t col_end = std::min(col + kTile, from.cols);
      for (std::int64_t c = col; c < col_end; ++c) {
        for (std::int64_t r = row; r < row_end; ++r) {
          out[c * to.row_stride + r] = in[r * from.row_stride + c];
        }
      }
    }
  }
}

// A copy with rows and columns exchanged.
HostTensor TransposedCopy(const kernels::MatrixView& from) {
  const std::int64_t element_bytes = kernels::BytesPerElement(from.dtype);
  const std::int64_t size_bytes = from.rows * from.cols * element_bytes;
  auto memory =
      std::make_shared<std::vector<std::uint64_t>>(static_cast<std::size_t>((size_bytes + 7) / 8));
  const kernels::MatrixView to = {.data = memory->data(),
                                  .rows = from.cols,
                                  .cols = from.rows,
                                  .row_stride = from.rows,
                                  .dtype = from.dtype};
  if (element_bytes == 4) {
    Transpose<std::uint32_t>(from, to);
  } else {
    Transpose<std::uint16_t>(from, to);
  }
  return HostTensor{.view = to, .owner = std::move(memory)};
}

}  // namespace

bool WeightSource::IsQuantized(const std::string&) const { return false; }

StatusOr<LinearTensor> WeightSource::GetLinear(const std::string& name, std::int64_t out,
                                               std::int64_t in) const {
  const std::array shape = {out, in};
  LinearTensor tensor;
  QUIRE_ASSIGN_OR_RETURN(tensor.plain, Get(name + ".weight", shape));
  return tensor;
}

StatusOr<LinearTensor> WeightSource::GetTransposedLinear(const std::string& name, std::int64_t out,
                                                         std::int64_t in) const {
  if (IsQuantized(name)) return GetLinear(name, out, in);
  const std::array shape = {in, out};
  QUIRE_ASSIGN_OR_RETURN(const HostTensor tensor, Get(name + ".weight", shape));
  LinearTensor linear;
  linear.plain = TransposedCopy(tensor.view);
  return linear;
}

}  // namespace quire::engine
