#include "engine/formats/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include "engine/formats/json_file.h"

namespace quire::engine {
namespace {

constexpr std::size_t kMaxIndexBytes = 64 << 20;
constexpr std::size_t kMaxShards = 10'000;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::string_view kExtension = ".safetensors";

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// A plain file name of the directory itself: an index from a stranger must not reach elsewhere.
bool IsShardName(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return name.size() <= kMaxNameBytes && name.ends_with(kExtension) && !name.starts_with('.') &&
         name.find("..") == std::string_view::npos &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Status NoWeights(const std::string& directory) {
  for (const char* pickle : {"pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt",
                             "model.pth", "consolidated.00.pth"}) {
    if (Exists(directory + "/" + pickle)) {
      return Unimplemented(
          "{}: wanted model.safetensors, have {}: a pickle can run code and is not read; convert "
          "it to safetensors",
          directory, pickle);
    }
  }
  return NotFound("{}: wanted model.safetensors or model.safetensors.index.json, have neither",
                  directory);
}

// weight_map turned round: shard name -> tensor names.
StatusOr<std::map<std::string, std::vector<std::string>>> ReadIndex(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const nlohmann::json index, ReadJsonFile(path, kMaxIndexBytes));
  const auto weight_map = index.find("weight_map");
  if (weight_map == index.end() || !weight_map->is_object() || weight_map->empty()) {
    return DataLoss("{}: weight_map: wanted an object of tensor names", path);
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, file] : weight_map->items()) {
    if (!file.is_string() || !IsShardName(file.get_ref<const std::string&>())) {
      return DataLoss("{}: tensor {}: wanted the name of a .safetensors file beside the index",
                      path, tensor);
    }
    shards[file.get<std::string>()].push_back(tensor);
  }
  if (shards.size() > kMaxShards) {
    return DataLoss("{}: wanted at most {} shards, have {}", path, kMaxShards, shards.size());
  }
  return shards;
}

// Elements of whole bytes may be read where they are if their address allows.
bool IsAligned(const std::uint8_t* data, TensorDType dtype) {
  const int element_bytes = std::max(1, BitsPerElement(dtype) / 8);
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(element_bytes) == 0;
}

}  // namespace

StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& directory) {
  if (!Exists(directory)) return NotFound("{}: no such model directory", directory);
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint(directory));
  const std::string single = directory + "/model.safetensors";
  const std::string index = single + ".index.json";
  if (Exists(single)) {
    QUIRE_RETURN_IF_ERROR(checkpoint->OpenSingle(single));
  } else if (Exists(index)) {
    QUIRE_RETURN_IF_ERROR(checkpoint->OpenShards(index));
  } else {
    return NoWeights(directory);
  }
  return checkpoint;
}

Status Checkpoint::OpenSingle(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(path));
  for (const TensorInfo& tensor : file->tensors()) {
    tensors_[tensor.name] = {.file = file.get(), .tensor = &tensor};
  }
  shards_.push_back(std::move(file));
  return OkStatus();
}

Status Checkpoint::OpenShards(const std::string& index_path) {
  QUIRE_ASSIGN_OR_RETURN(const auto shards, ReadIndex(index_path));
  for (const auto& [shard, names] : shards) {
    auto file = SafetensorsFile::Open(directory_ + "/" + shard);
    if (absl::IsNotFound(file.status())) {
      return DataLoss("{}: wanted the shard {}, have no such file", index_path, shard);
    }
    QUIRE_RETURN_IF_ERROR(file.status());
    for (const std::string& name : names) {
      const TensorInfo* tensor = (*file)->Find(name);
      if (tensor == nullptr) {
        return DataLoss("{}: tensor {}: wanted it in {}, have no such tensor there", index_path,
                        name, shard);
      }
      tensors_[name] = {.file = file->get(), .tensor = tensor};
    }
    shards_.push_back(*std::move(file));
  }
  return OkStatus();
}

MappedFileStates Checkpoint::files() const {
  MappedFileStates states;
  for (const auto& file : shards_) states.push_back(file->state());
  return states;
}

bool Checkpoint::Contains(const std::string& name) const { return tensors_.contains(name); }

std::shared_ptr<const SafetensorsFile> Checkpoint::FileOf(const Place& place) const {
  for (const auto& file : shards_) {
    if (file.get() == place.file) return file;
  }
  return nullptr;
}

StatusOr<StoredTensor> Checkpoint::Stored(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    return DataLoss("{}: tensor {}: have no such tensor", directory_, name);
  }
  const TensorInfo& tensor = *found->second.tensor;
  const SafetensorsFile& file = *found->second.file;
  StoredTensor stored = {.where = fmt::format("{}: tensor {}", file.path(), name),
                         .dtype = tensor.dtype,
                         .shape = tensor.shape,
                         .bytes = file.bytes(tensor),
                         .owner = nullptr};
  if (IsAligned(stored.bytes.data(), tensor.dtype)) {
    stored.owner = FileOf(found->second);
    return stored;
  }
  auto copy = std::make_shared<std::vector<std::uint64_t>>((stored.bytes.size() + 7) / 8);
  std::memcpy(copy->data(), stored.bytes.data(), stored.bytes.size());
  stored.bytes = {reinterpret_cast<const std::uint8_t*>(copy->data()), stored.bytes.size()};
  stored.owner = std::move(copy);
  return stored;
}

StatusOr<HostTensor> Checkpoint::Get(const std::string& name,
                                     std::span<const std::int64_t> shape) const {
  if (!Contains(name)) {
    return DataLoss("{}: tensor {}: wanted {}, have no such tensor", directory_, name,
                    ShapeText(shape));
  }
  QUIRE_ASSIGN_OR_RETURN(StoredTensor stored, Stored(name));
  if (!std::equal(shape.begin(), shape.end(), stored.shape.begin(), stored.shape.end())) {
    return DataLoss("{}: wanted {}, have {}", stored.where, ShapeText(shape),
                    ShapeText(stored.shape));
  }
  const std::optional<kernels::DType> dtype = ToKernelDType(stored.dtype);
  if (!dtype) {
    return Unimplemented("{}: wanted F32, F16 or BF16, have {}", stored.where,
                         TensorDTypeName(stored.dtype));
  }
  const std::int64_t cols = shape.back();
  const kernels::MatrixView view = {.data = const_cast<std::uint8_t*>(stored.bytes.data()),
                                    .rows = shape.size() == 2 ? shape[0] : 1,
                                    .cols = cols,
                                    .row_stride = cols,
                                    .dtype = *dtype};
  return HostTensor{.view = view, .owner = std::move(stored.owner)};
}

}  // namespace quire::engine
