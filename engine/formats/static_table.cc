#include "engine/formats/static_table.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/half.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kMaxTableRows = 1 << 22;
constexpr std::int64_t kMaxTableDimension = 1 << 18;
constexpr std::int64_t kMaxConvertedElements = std::int64_t{1} << 30;
constexpr const char* kModel2VecName = "embeddings";

template <typename T>
const T* Elements(const StoredTensor& tensor) {
  return reinterpret_cast<const T*>(tensor.bytes.data());
}

// `count` numbers from `begin` on as f32. Returns UNIMPLEMENTED for a type that is not listed here.
Status ReadFloats(const StoredTensor& tensor, std::int64_t begin, std::int64_t count, float* out) {
  if (const auto dtype = ToKernelDType(tensor.dtype)) {
    const auto* bytes = tensor.bytes.data() + begin * kernels::BytesPerElement(*dtype);
    kernels::ConvertToF32(*dtype, bytes, out, count);
    return OkStatus();
  }
  if (tensor.dtype == TensorDType::kI8) {
    std::copy_n(Elements<std::int8_t>(tensor) + begin, count, out);
    return OkStatus();
  }
  if (tensor.dtype == TensorDType::kF64) {
    const auto* from = Elements<double>(tensor) + begin;
    std::transform(from, from + count, out, [](double value) { return static_cast<float>(value); });
    return OkStatus();
  }
  return Unimplemented("{}: wanted F32, F16, BF16, F64 or I8, have {}", tensor.where,
                       TensorDTypeName(tensor.dtype));
}

StatusOr<std::vector<std::int64_t>> ReadIntegers(const StoredTensor& tensor) {
  const auto count = static_cast<std::size_t>(tensor.shape[0]);
  if (tensor.dtype == TensorDType::kI64) {
    const auto* from = Elements<std::int64_t>(tensor);
    return std::vector<std::int64_t>(from, from + count);
  }
  if (tensor.dtype == TensorDType::kI32) {
    const auto* from = Elements<std::int32_t>(tensor);
    return std::vector<std::int64_t>(from, from + count);
  }
  return Unimplemented("{}: wanted I64 or I32, have {}", tensor.where,
                       TensorDTypeName(tensor.dtype));
}

StatusOr<StoredTensor> FindRows(const Checkpoint& checkpoint) {
  const bool is_model2vec =
      !checkpoint.Contains(StaticTable::kName) && checkpoint.Contains(kModel2VecName);
  QUIRE_ASSIGN_OR_RETURN(StoredTensor rows,
                         checkpoint.Stored(is_model2vec ? kModel2VecName : StaticTable::kName));
  const auto& shape = rows.shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[0] > kMaxTableRows || shape[1] < 1 ||
      shape[1] > kMaxTableDimension) {
    return DataLoss("{}: wanted [rows, dimension] of at most {}, have {}", rows.where,
                    ShapeText(std::array{kMaxTableRows, kMaxTableDimension}), ShapeText(shape));
  }
  return rows;
}

// A vector with an element per token; nothing if it is absent. `size`: 0 if not known yet.
StatusOr<std::optional<StoredTensor>> FindVector(const Checkpoint& checkpoint, const char* name,
                                                 std::int64_t size) {
  if (!checkpoint.Contains(name)) return std::optional<StoredTensor>();
  QUIRE_ASSIGN_OR_RETURN(StoredTensor tensor, checkpoint.Stored(name));
  const bool is_vector =
      tensor.shape.size() == 1 && tensor.shape[0] >= 1 && tensor.shape[0] <= kMaxTableRows;
  if (!is_vector || (size > 0 && tensor.shape[0] != size)) {
    return DataLoss("{}: wanted [{}], have {}", tensor.where,
                    size > 0 ? fmt::to_string(size) : "tokens", ShapeText(tensor.shape));
  }
  return std::optional(std::move(tensor));
}

}  // namespace

StaticTable::StaticTable(MappedFileStates files, StoredTensor rows,
                         std::optional<StoredTensor> mapping, std::optional<StoredTensor> factors)
    : files_(std::move(files)),
      rows_(std::move(rows)),
      mapping_(std::move(mapping)),
      factors_(std::move(factors)),
      vocab_size_(static_cast<std::int32_t>(mapping_ ? mapping_->shape[0] : rows_.shape[0])),
      dimension_(static_cast<std::int32_t>(rows_.shape[1])) {}

StatusOr<std::unique_ptr<StaticTable>> StaticTable::Open(
    std::shared_ptr<const Checkpoint> checkpoint) {
  QUIRE_ASSIGN_OR_RETURN(StoredTensor rows, FindRows(*checkpoint));
  QUIRE_ASSIGN_OR_RETURN(auto mapping, FindVector(*checkpoint, "mapping", 0));
  const std::int64_t vocab_size = mapping ? mapping->shape[0] : rows.shape[0];
  QUIRE_ASSIGN_OR_RETURN(auto factors, FindVector(*checkpoint, "weights", vocab_size));
  return std::unique_ptr<StaticTable>(new StaticTable(checkpoint->files(), std::move(rows),
                                                      std::move(mapping), std::move(factors)));
}

StatusOr<HostTensor> StaticTable::Get(const std::string& name,
                                      std::span<const std::int64_t> shape) const {
  const std::array<std::int64_t, 2> stored = {vocab_size_, dimension_};
  if (name != kName || !std::equal(shape.begin(), shape.end(), stored.begin(), stored.end())) {
    return DataLoss("{}: wanted {} {}, have {} {}", rows_.where, name, ShapeText(shape), kName,
                    ShapeText(stored));
  }
  const auto dtype = ToKernelDType(rows_.dtype);
  if (!dtype || mapping_ || factors_) return Converted();
  const kernels::MatrixView view = {.data = const_cast<std::uint8_t*>(rows_.bytes.data()),
                                    .rows = vocab_size_,
                                    .cols = dimension_,
                                    .row_stride = dimension_,
                                    .dtype = *dtype};
  return HostTensor{.view = view, .owner = rows_.owner};
}

StatusOr<std::vector<std::int64_t>> StaticTable::Rows() const {
  if (!mapping_) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(vocab_size_));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
  }
  QUIRE_ASSIGN_OR_RETURN(std::vector<std::int64_t> rows, ReadIntegers(*mapping_));
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= rows_.shape[0]) {
      return DataLoss("{}: wanted rows below {}, have {}", mapping_->where, rows_.shape[0], row);
    }
  }
  return rows;
}

StatusOr<HostTensor> StaticTable::Converted() const {
  const std::int64_t elements = std::int64_t{vocab_size_} * dimension_;
  if (elements > kMaxConvertedElements) {
    return ResourceExhausted("{}: wanted at most {} elements, have {}", rows_.where,
                             kMaxConvertedElements, elements);
  }
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int64_t> rows, Rows());
  std::vector<float> factors(rows.size(), 1.0f);
  if (factors_) QUIRE_RETURN_IF_ERROR(ReadFloats(*factors_, 0, vocab_size_, factors.data()));
  const auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(elements));
  for (std::size_t token = 0; token < rows.size(); ++token) {
    float* out = values->data() + token * static_cast<std::size_t>(dimension_);
    QUIRE_RETURN_IF_ERROR(ReadFloats(rows_, rows[token] * dimension_, dimension_, out));
    std::transform(out, out + dimension_, out, [&](float x) { return x * factors[token]; });
  }
  const kernels::MatrixView view = {.data = values->data(),
                                    .rows = vocab_size_,
                                    .cols = dimension_,
                                    .row_stride = dimension_,
                                    .dtype = kernels::DType::kF32};
  return HostTensor{.view = view, .owner = values};
}

}  // namespace quire::engine
