#include "engine/quantization/output_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace quire::engine {
namespace {

namespace fs = std::filesystem;

// Weights in any format, ours included.
bool IsWeightFile(const std::string& name) {
  constexpr std::array<std::string_view, 11> kEndings = {".safetensors", ".safetensors.index.json",
                                                         ".bin",         ".bin.index.json",
                                                         ".gguf",        ".pt",
                                                         ".pth",         ".ckpt",
                                                         ".h5",          ".msgpack",
                                                         ".onnx"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

Status CannotWrite(const std::string& path, const std::string& reason) {
  return ResourceExhausted("{}: cannot be written: {}", path, reason);
}

// Without a slash at its end, which a name for the folder beside it could not follow.
std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

StatusOr<std::unique_ptr<OutputDirectory>> OutputDirectory::Create(const std::string& path) {
  std::unique_ptr<OutputDirectory> output(new OutputDirectory(WithoutSlash(path)));
  std::error_code error;
  const bool is_free =
      !fs::exists(output->path_, error) ||
      (fs::is_directory(output->path_, error) && fs::is_empty(output->path_, error) && !error);
  if (!is_free) {
    output->finished_ = true;  // what is at the partial name is not of this run
    return InvalidArgument("{}: wanted an empty directory or none, have something in its place",
                           path);
  }
  const fs::path parent = fs::path(output->path_).parent_path();
  if (!parent.empty() && !fs::is_directory(parent, error)) {
    return NotFound("{}: no such directory", parent.string());
  }
  fs::remove_all(output->partial_path_, error);
  if (!fs::create_directory(output->partial_path_, error)) {
    return CannotWrite(output->partial_path_, error.message());
  }
  return output;
}

OutputDirectory::~OutputDirectory() {
  if (finished_) return;
  std::error_code ignored;
  fs::remove_all(partial_path_, ignored);
}

StatusOr<std::vector<std::string>> OutputDirectory::CopyModelFiles(const std::string& from) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (!it->is_regular_file(ignored) || IsWeightFile(name) || name == "config.json") continue;
    std::error_code copied;
    // A copy, not the link that a download cache may have.
    fs::copy_file(it->path(), fs::path(partial_path_) / name, copied);
    if (copied) return CannotWrite(partial_path_ + "/" + name, copied.message());
    names.push_back(name);
  }
  if (error) return Internal("{}: {}", from, error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Status OutputDirectory::WriteText(const std::string& name, std::string_view text) const {
  const std::string path = partial_path_ + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  return file ? OkStatus() : CannotWrite(path, std::strerror(errno));
}

Status OutputDirectory::Finish() {
  // Takes the place of an empty directory too.
  if (std::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    return CannotWrite(path_, std::strerror(errno));
  }
  finished_ = true;
  return OkStatus();
}

}  // namespace quire::engine
