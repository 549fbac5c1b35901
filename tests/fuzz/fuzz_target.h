#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/status.h"
#include "tests/support/safetensors_writer.h"

// What the fuzz targets share. A target is one function, in the form that libFuzzer calls;
// driver.cc calls it with a corpus and with mutations of it.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace quire::testing {

// For products that must be exact.
__extension__ using UInt128 = unsigned __int128;

inline std::string_view AsText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A folder of this process that holds the input under test.
inline const std::filesystem::path& InputFolder() {
  static const TemporaryDirectory folder;
  return folder.path();
}

// Writes the input where a reader expects it. Returns the path.
inline std::string WriteInput(const std::string& name, std::string_view bytes) {
  const std::filesystem::path path = InputFolder() / name;
  WriteFile(path, bytes);
  return path.string();
}

// An error must say on one line what is wrong, and must not be our own fault.
inline void CheckClear(const Status& status) {
  if (status.ok()) return;
  QUIRE_CHECK(!Message(status).empty());
  QUIRE_CHECK(Message(status).find('\n') == std::string_view::npos);
  QUIRE_CHECK(status.code() != absl::StatusCode::kInternal);
  QUIRE_CHECK(status.code() != absl::StatusCode::kUnknown);
}

}  // namespace quire::testing
