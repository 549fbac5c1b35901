#include "engine/formats/checkpoint_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/checked.h"

namespace quire::engine {
namespace {

constexpr std::uint64_t kAlignment = 8;  // of the buffer behind the header

Status CannotWrite(const std::string& path) {
  return ResourceExhausted("{}: cannot be written: {}", path, std::strerror(errno));
}

// Tensors by shard, in order.
std::vector<std::vector<std::size_t>> Divide(const std::vector<TensorSpec>& tensors,
                                             std::uint64_t max_shard_bytes) {
  std::vector<std::vector<std::size_t>> shards(1);
  std::uint64_t shard_bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t size_bytes = SizeBytes(tensors[i]);
    if (!shards.back().empty() && shard_bytes + size_bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(i);
    shard_bytes += size_bytes;
  }
  return shards;
}

std::string ShardName(std::size_t index, std::size_t count) {
  if (count == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", index + 1, count);
}

// The length and the header itself, padded so that the buffer is aligned.
std::string HeaderBytes(const nlohmann::ordered_json& header) {
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(std::uint64_t{text.size()} >> (8 * i) & 0xff);
  }
  return bytes + text;
}

}  // namespace

std::uint64_t SizeBytes(const TensorSpec& spec) {
  const auto bits =
      CheckedProduct(static_cast<std::uint64_t>(BitsPerElement(spec.dtype)), spec.shape);
  QUIRE_CHECK(bits && *bits % 8 == 0);
  return *bits / 8;
}

StatusOr<std::unique_ptr<CheckpointWriter>> CheckpointWriter::Create(
    const std::string& directory, const std::vector<TensorSpec>& tensors,
    std::uint64_t max_shard_bytes) {
  std::vector<Shard> shards;
  for (std::vector<std::size_t>& of_shard : Divide(tensors, max_shard_bytes)) {
    // The widest elements first: then each tensor is aligned to its own.
    std::stable_sort(of_shard.begin(), of_shard.end(), [&](std::size_t a, std::size_t b) {
      return BitsPerElement(tensors[a].dtype) > BitsPerElement(tensors[b].dtype);
    });
    shards.push_back({.name = "", .tensors = std::move(of_shard), .file = -1});
  }
  for (std::size_t i = 0; i < shards.size(); ++i) shards[i].name = ShardName(i, shards.size());
  std::unique_ptr<CheckpointWriter> writer(new CheckpointWriter(directory, std::move(shards)));
  for (std::size_t i = 0; i < writer->shards_.size(); ++i) {
    QUIRE_RETURN_IF_ERROR(writer->StartShard(i, tensors));
  }
  return writer;
}

CheckpointWriter::~CheckpointWriter() {
  for (const Shard& shard : shards_) {
    if (shard.file >= 0) ::close(shard.file);
  }
}

Status CheckpointWriter::StartShard(std::size_t index, const std::vector<TensorSpec>& tensors) {
  Shard& shard = shards_[index];
  // transformers refuses a file that does not say for which framework it is.
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::uint64_t end = 0;
  for (const std::size_t i : shard.tensors) {
    const TensorSpec& spec = tensors[i];
    const std::uint64_t begin = end;
    end += SizeBytes(spec);
    header[spec.name] = {{"dtype", TensorDTypeName(spec.dtype)},
                         {"shape", spec.shape},
                         {"data_offsets", {begin, end}}};
  }
  const std::string bytes = HeaderBytes(header);
  std::uint64_t offset = bytes.size();
  for (const std::size_t i : shard.tensors) {
    const std::uint64_t size_bytes = SizeBytes(tensors[i]);
    const bool is_new =
        places_
            .emplace(
                tensors[i].name,
                Place{.shard = index, .offset = offset, .size_bytes = size_bytes, .written = false})
            .second;
    if (!is_new) return InvalidArgument("tensor {}: wanted once, have twice", tensors[i].name);
    offset += size_bytes;
  }
  shard.file = ::open(PathOf(shard).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (shard.file < 0) return CannotWrite(PathOf(shard));
  return WriteAt(shard, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, 0);
}

Status CheckpointWriter::WriteAt(const Shard& shard, std::span<const std::uint8_t> bytes,
                                 std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(shard.file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CannotWrite(PathOf(shard));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return OkStatus();
}

Status CheckpointWriter::Write(const std::string& name, std::span<const std::uint8_t> bytes) {
  const auto found = places_.find(name);
  if (found == places_.end()) return Internal("tensor {}: was not to be written", name);
  Place& place = found->second;
  if (place.written || place.size_bytes != bytes.size()) {
    return Internal("tensor {}: wanted {} bytes once, have {}", name, place.size_bytes,
                    bytes.size());
  }
  place.written = true;
  return WriteAt(shards_[place.shard], bytes, place.offset);
}

StatusOr<std::vector<std::string>> CheckpointWriter::Finish() {
  for (const auto& [name, place] : places_) {
    if (!place.written) return Internal("tensor {}: was not written", name);
  }
  std::vector<std::string> names;
  for (Shard& shard : shards_) {
    const int file = std::exchange(shard.file, -1);
    const bool synced = ::fsync(file) == 0;
    if (::close(file) != 0 || !synced) return CannotWrite(PathOf(shard));
    names.push_back(shard.name);
  }
  if (shards_.size() == 1) return names;
  QUIRE_RETURN_IF_ERROR(WriteIndex());
  names.push_back("model.safetensors.index.json");
  return names;
}

Status CheckpointWriter::WriteIndex() {
  nlohmann::json weight_map;
  std::uint64_t total_bytes = 0;
  for (const auto& [name, place] : places_) {
    weight_map[name] = shards_[place.shard].name;
    total_bytes += place.size_bytes;
  }
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", total_bytes}}},
                                        {"weight_map", std::move(weight_map)}};
  const std::string path = directory_ + "/model.safetensors.index.json";
  std::ofstream file(path, std::ios::binary);
  file << index.dump(2) << '\n';
  file.close();
  return file ? OkStatus() : CannotWrite(path);
}

}  // namespace quire::engine
