#include "engine/formats/layer_tensors.h"

#include <algorithm>
#include <optional>

namespace quire::engine {
namespace {

Status CheckShape(const StoredTensor& stored, std::span<const std::int64_t> shape) {
  if (std::equal(shape.begin(), shape.end(), stored.shape.begin(), stored.shape.end())) {
    return OkStatus();
  }
  return DataLoss("{}: wanted {}, have {}", stored.where, ShapeText(shape),
                  ShapeText(stored.shape));
}

}  // namespace

StatusOr<StoredTensor> LayerTensors::Stored(const std::string& suffix) {
  QUIRE_ASSIGN_OR_RETURN(StoredTensor stored, checkpoint_.Stored(layer_ + suffix));
  owners_.push_back(stored.owner);
  return stored;
}

StatusOr<const void*> LayerTensors::Get(const std::string& suffix, TensorDType dtype,
                                        std::span<const std::int64_t> shape) {
  QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, Stored(suffix));
  if (stored.dtype != dtype) {
    return DataLoss("{}: wanted {}, have {}", stored.where, TensorDTypeName(dtype),
                    TensorDTypeName(stored.dtype));
  }
  QUIRE_RETURN_IF_ERROR(CheckShape(stored, shape));
  return static_cast<const void*>(stored.bytes.data());
}

StatusOr<const void*> LayerTensors::GetFloats(const std::string& suffix,
                                              std::initializer_list<std::int64_t> shape,
                                              kernels::DType& dtype) {
  QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, Stored(suffix));
  const std::optional<kernels::DType> found = ToKernelDType(stored.dtype);
  if (!found) {
    return DataLoss("{}: wanted F32, F16 or BF16, have {}", stored.where,
                    TensorDTypeName(stored.dtype));
  }
  QUIRE_RETURN_IF_ERROR(CheckShape(stored, std::span(shape.begin(), shape.size())));
  dtype = *found;
  return static_cast<const void*>(stored.bytes.data());
}

StatusOr<std::span<const std::uint8_t>> LayerTensors::GetBytes(const std::string& suffix,
                                                               std::uint64_t size_bytes) {
  QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, Stored(suffix));
  if (stored.bytes.size() != size_bytes) {
    return DataLoss("{}: wanted {} bytes, have {}", stored.where, size_bytes, stored.bytes.size());
  }
  return stored.bytes;
}

StatusOr<std::span<const std::uint8_t>> LayerTensors::GetText(const std::string& suffix,
                                                              std::uint64_t max_bytes) {
  QUIRE_ASSIGN_OR_RETURN(const StoredTensor stored, Stored(suffix));
  if (stored.dtype != TensorDType::kU8 || stored.bytes.size() > max_bytes) {
    return DataLoss("{}: wanted at most {} U8, have {} {}", stored.where, max_bytes,
                    ShapeText(stored.shape), TensorDTypeName(stored.dtype));
  }
  return stored.bytes;
}

std::string LayerTensors::Where(const std::string& suffix) const {
  const auto stored = checkpoint_.Stored(layer_ + suffix);
  return stored.ok() ? stored->where : layer_ + suffix;
}

}  // namespace quire::engine
