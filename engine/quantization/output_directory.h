#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::engine {

// A directory that appears as a whole or not at all: it is filled under the name PATH.partial and
// renamed at the end; without that it is removed. What an interrupted run has left under that name
// goes first.
//
// Thread-compatible.
class OutputDirectory {
 public:
  // Returns INVALID_ARGUMENT if there is something at `path` that is no empty directory, NOT_FOUND
  // if its parent does not exist, RESOURCE_EXHAUSTED if the system refuses.
  static StatusOr<std::unique_ptr<OutputDirectory>> Create(const std::string& path);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  // Where to write.
  const std::string& partial_path() const { return partial_path_; }

  // Copies the files of the model directory `from` that are no weights and not its config.json;
  // folders in it are left out. Returns their names.
  StatusOr<std::vector<std::string>> CopyModelFiles(const std::string& from) const;
  Status WriteText(const std::string& name, std::string_view text) const;

  // Gives the directory its name.
  Status Finish();

 private:
  explicit OutputDirectory(std::string path)
      : path_(std::move(path)), partial_path_(path_ + ".partial") {}

  const std::string path_;
  const std::string partial_path_;
  bool finished_ = false;
};

}  // namespace quire::engine
