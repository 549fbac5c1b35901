#include "engine/kv/memory_budget.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace quire::engine {
namespace {

// The number in a control-group file, or nothing where there is no limit ("max") or no such file.
std::optional<std::int64_t> ReadNumber(const char* path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::int64_t SystemAvailableBytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::int64_t kibibytes = 0;
  std::string unit;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

}  // namespace

std::int64_t AvailableMemoryBytes() {
  const std::int64_t available = SystemAvailableBytes();
  const auto limit = ReadNumber("/sys/fs/cgroup/memory.max");
  const auto used = ReadNumber("/sys/fs/cgroup/memory.current");
  if (!limit || !used) return available;
  return std::clamp<std::int64_t>(*limit - *used, 0, available);
}

}  // namespace quire::engine
