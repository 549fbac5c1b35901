#include "engine/kv/memory_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string_view>

namespace quire::engine {
namespace {

// The number in a control-group file, or nothing where there is no limit ("max") or no such file.
std::optional<std::int64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// The number behind `key` in a file of lines "key number ...".
std::int64_t ReadKey(const std::string& path, std::string_view wanted) {
  std::ifstream file(path);
  std::string key;
  std::int64_t value = 0;
  std::string rest;
  while (file >> key >> value) {
    if (key == wanted) return value;
    std::getline(file, rest);
  }
  return 0;
}

}  // namespace

std::int64_t AvailableMemoryBytes(kernels::Device& device) {
  const std::optional<std::int64_t> own_bytes = device.free_bytes();
  return own_bytes ? *own_bytes : AvailableHostMemoryBytes();
}

std::int64_t AvailableHostMemoryBytes(const std::string& root) {
  const std::int64_t available = ReadKey(root + "/proc/meminfo", "MemAvailable:") * 1024;
  const std::string group = root + "/sys/fs/cgroup";
  const auto limit = ReadNumber(group + "/memory.max");
  const auto used = ReadNumber(group + "/memory.current");
  if (!limit || !used) return available;
  // The page cache of the group's files is part of its use; the inactive part goes before anything
  // else does.
  const std::int64_t reclaimable = ReadKey(group + "/memory.stat", "inactive_file");
  return std::clamp<std::int64_t>(*limit - *used + reclaimable, 0, available);
}

std::string FormatMemory(std::int64_t bytes) {
  constexpr double kMebibyte = 1 << 20;
  constexpr double kGibibyte = 1 << 30;
  const auto count = static_cast<double>(bytes);
  return count >= kGibibyte ? fmt::format("{:.1f} GiB", count / kGibibyte)
                            : fmt::format("{:.1f} MiB", count / kMebibyte);
}

}  // namespace quire::engine
