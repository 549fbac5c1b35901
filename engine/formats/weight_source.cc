#include "engine/formats/weight_source.h"

#include <array>
#include <cstring>
#include <utility>

namespace quire::engine {
namespace {

// A copy with rows and columns exchanged.
HostTensor Transpose(const kernels::MatrixView& from) {
  const auto element_bytes = static_cast<std::size_t>(kernels::BytesPerElement(from.dtype));
  const auto rows = static_cast<std::size_t>(from.rows);
  const auto cols = static_cast<std::size_t>(from.cols);
  auto memory = std::make_shared<std::vector<std::uint64_t>>((rows * cols * element_bytes + 7) / 8);
  auto* const out = reinterpret_cast<std::uint8_t*>(memory->data());
  const auto* const in = static_cast<const std::uint8_t*>(from.data);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      const std::size_t place = row * static_cast<std::size_t>(from.row_stride) + col;
      std::memcpy(out + (col * rows + row) * element_bytes, in + place * element_bytes,
                  element_bytes);
    }
  }
  const kernels::MatrixView view = {.data = out,
                                    .rows = from.cols,
                                    .cols = from.rows,
                                    .row_stride = from.rows,
                                    .dtype = from.dtype};
  return HostTensor{.view = view, .owner = std::move(memory)};
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
  linear.plain = Transpose(tensor.view);
  return linear;
}

}  // namespace quire::engine
