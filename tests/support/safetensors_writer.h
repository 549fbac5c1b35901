#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/formats/safetensors.h"
#include "kernels/half.h"
#include "tests/support/test_files.h"

// Writes safetensors files, good and bad ones.

namespace quire::testing {

struct TensorToWrite {
  std::string name;
  std::string dtype;  // "F32", ...
  std::vector<std::int64_t> shape;
  std::string bytes;
};

inline void WriteFile(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

// A file of this header, as it is, and this buffer.
inline std::string SafetensorsBytes(const std::string& header, const std::string& buffer) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) {
    bytes[static_cast<std::size_t>(i)] =
        static_cast<char>((std::uint64_t{header.size()} >> (8 * i)) & 0xFF);
  }
  return bytes + header + buffer;
}

// A well-formed file. `padding` spaces end the header, which shifts the alignment of the data.
inline std::string SafetensorsBytes(const std::vector<TensorToWrite>& tensors,
                                    std::size_t padding = 0) {
  nlohmann::json header = nlohmann::json::object();
  std::string buffer;
  for (const TensorToWrite& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {buffer.size(), buffer.size() + tensor.bytes.size()}}};
    buffer += tensor.bytes;
  }
  return SafetensorsBytes(header.dump() + std::string(padding, ' '), buffer);
}

// `values` as the bytes of a tensor of `dtype` (f32, f16 or bf16).
inline std::string TensorBytes(std::span<const float> values, kernels::DType dtype) {
  std::string bytes(values.size() * static_cast<std::size_t>(kernels::BytesPerElement(dtype)),
                    '\0');
  kernels::ConvertFromF32(dtype, values.data(), bytes.data(),
                          static_cast<std::int64_t>(values.size()));
  return bytes;
}

inline std::string DTypeInFile(kernels::DType dtype) {
  switch (dtype) {
    case kernels::DType::kF16:
      return "F16";
    case kernels::DType::kBF16:
      return "BF16";
    default:
      return "F32";
  }
}

// The tensors of a file of f32, f16 or bf16, converted to `dtype`.
inline std::vector<TensorToWrite> ConvertTensors(const engine::SafetensorsFile& file,
                                                 kernels::DType dtype) {
  std::vector<TensorToWrite> tensors;
  for (const engine::TensorInfo& tensor : file.tensors()) {
    const std::string bytes(file.bytes(tensor).begin(), file.bytes(tensor).end());
    const kernels::DType stored = *engine::ToKernelDType(tensor.dtype);
    std::vector<float> values(bytes.size() /
                              static_cast<std::size_t>(kernels::BytesPerElement(stored)));
    kernels::ConvertToF32(stored, bytes.data(), values.data(),
                          static_cast<std::int64_t>(values.size()));
    tensors.push_back({.name = tensor.name,
                       .dtype = DTypeInFile(dtype),
                       .shape = tensor.shape,
                       .bytes = TensorBytes(values, dtype)});
  }
  return tensors;
}

// A directory with copies of the small files of `from`, its weights left out.
inline void CopyWithoutWeights(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const char* name :
       {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
    if (std::filesystem::exists(from / name)) WriteFile(to / name, ReadWholeFile(from / name));
  }
}

}  // namespace quire::testing
