#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::services::hub {

// A model of a Hugging Face hub: "hf:org/repo", "hf:org/repo@revision", and with one file of it
// "hf:org/repo/model-q4.gguf@revision". Old repositories have no organisation: "hf:gpt2".
struct ModelReference {
  std::string repo;      // "org/repo" or "repo"
  std::string file;      // one .gguf file of the repository; empty: the model that the rest make
  std::string revision;  // branch, tag or commit
};

// True for what ParseModelReference is meant to read.
bool IsModelReference(std::string_view spec);

// Returns INVALID_ARGUMENT saying what is wrong with the form; names are checked here, so that they
// can be parts of paths and of URLs.
StatusOr<ModelReference> ParseModelReference(std::string_view spec);

// "hf:org/repo@revision", the revision left out where it is "main".
std::string FormatModelReference(const ModelReference& reference);

// True if a repository may hold a file of this name: relative, of plain parts, none "..".
bool IsSafePath(std::string_view path);

}  // namespace quire::services::hub
