#include "engine/layers/weight_loader.h"

#include <array>
#include <utility>
#include <vector>

#include "kernels/half.h"
#include "kernels/quant/row_slice.h"

namespace quire::engine {
namespace {

// One row of f32, f16 or bf16 as f32.
std::vector<float> ToFloats(const kernels::MatrixView& row) {
  std::vector<float> values(static_cast<std::size_t>(row.cols));
  kernels::ConvertToF32(row.dtype, row.data, values.data(), row.cols);
  return values;
}

// `count` rows from `first` on.
kernels::MatrixView RowsOf(kernels::MatrixView view, std::int64_t first, std::int64_t count) {
  view.data = static_cast<char*>(view.data) +
              first * view.row_stride * kernels::BytesPerElement(view.dtype);
  view.rows = count;
  return view;
}

std::int64_t StoredBytes(const kernels::MatrixView& view) {
  return view.rows * view.cols * kernels::BytesPerElement(view.dtype);
}

}  // namespace

std::int64_t LinearWeight::size_bytes() const {
  return packed != nullptr ? packed->size_bytes() : StoredBytes(plain.view);
}

StatusOr<Weight> WeightLoader::Import(HostTensor tensor, const std::string& name) {
  auto imported = device_.ImportWeight(tensor.view);
  if (!imported.ok()) return Annotate(imported.status(), "tensor " + name);
  weight_bytes_ += StoredBytes(tensor.view);
  Weight weight = {.view = imported->view, .owner = std::move(imported->owner), .host = nullptr};
  if (weight.owner == nullptr) {
    weight.host = std::move(tensor.owner);
    borrows_ = true;
  }
  return weight;
}

StatusOr<Weight> WeightLoader::Matrix(const std::string& name, std::int64_t rows,
                                      std::int64_t cols) {
  const std::array shape = {rows, cols};
  QUIRE_ASSIGN_OR_RETURN(HostTensor tensor, source_.Get(name, shape));
  return Import(std::move(tensor), name);
}

StatusOr<LinearTensor> WeightLoader::Stored(const LinearPlace& place) {
  const std::int64_t rows = place.stored_rows == 0 ? place.out : place.stored_rows;
  if (!place.is_transposed) return source_.GetLinear(place.name, rows, place.in);
  LinearTensor tensor;
  if (place.name == transposed_name_) {
    tensor.plain = transposed_;
    return tensor;
  }
  QUIRE_ASSIGN_OR_RETURN(tensor, source_.GetTransposedLinear(place.name, rows, place.in));
  if (tensor.quantized == nullptr) {
    transposed_name_ = place.name;
    transposed_ = tensor.plain;
  }
  return tensor;
}

StatusOr<LinearWeight> WeightLoader::Linear(const LinearPlace& place) {
  QUIRE_ASSIGN_OR_RETURN(LinearTensor tensor, Stored(place));
  if (tensor.quantized == nullptr) {
    tensor.plain.view = RowsOf(tensor.plain.view, place.first_row, place.out);
    QUIRE_ASSIGN_OR_RETURN(Weight weight, Import(std::move(tensor.plain), place.name + ".weight"));
    return LinearWeight{.plain = std::move(weight), .packed = nullptr};
  }
  auto packed = device_.PackWeight(
      *kernels::SliceRows(std::move(tensor.quantized), place.first_row, place.out));
  if (!packed.ok()) return Annotate(packed.status(), "layer " + place.name);
  weight_bytes_ += (*packed)->size_bytes();
  return LinearWeight{.plain = {}, .packed = *std::move(packed)};
}

StatusOr<Weight> WeightLoader::Vector(const std::string& name, std::int64_t size,
                                      const VectorUse& use) {
  const std::array shape = {size};
  QUIRE_ASSIGN_OR_RETURN(const HostTensor tensor, source_.Get(name, shape));
  std::vector<float> values = ToFloats(tensor.view);
  for (float& value : values) value += use.offset;
  const std::int64_t count = use.count == 0 ? size : use.count;
  weight_bytes_ += count * kernels::BytesPerElement(tensor.view.dtype);
  return UploadVector(std::span(values).subspan(static_cast<std::size_t>(use.first),
                                                static_cast<std::size_t>(count)),
                      device_, stream_);
}

StatusOr<MappedFileStates> WeightLoader::Finish() const {
  MappedFileStates files = source_.files();
  QUIRE_RETURN_IF_ERROR(CheckUnchanged(files));
  if (!borrows_) files.clear();
  return files;
}

StatusOr<Weight> UploadVector(std::span<const float> values, kernels::Device& device,
                              kernels::Stream& stream) {
  const auto size = static_cast<std::int64_t>(values.size());
  const auto size_bytes = static_cast<std::int64_t>(values.size_bytes());
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<kernels::DeviceMemory> memory,
                         device.Allocate(size_bytes));
  device.CopyToDevice(memory->data(), values.data(), size_bytes, stream);
  QUIRE_RETURN_IF_ERROR(device.Synchronize(stream));
  const kernels::MatrixView view = {
      .data = memory->data(), .rows = 1, .cols = size, .row_stride = size};
  return Weight{.view = view, .owner = std::move(memory), .host = nullptr};
}

}  // namespace quire::engine
