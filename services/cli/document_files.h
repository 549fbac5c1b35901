#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

// Files that become documents.

namespace quire::services::cli {

// A text on its way to a service.
struct LocalDocument {
  std::string id;
  std::string title;
  std::string text;  // valid UTF-8
  std::vector<std::pair<std::string, std::string>> metadata;
};

// The files that `paths` name: a folder stands for the .txt, .md and .markdown files below it, in
// order of name; "-" for stdin. Returns NOT_FOUND naming a path that does not exist.
StatusOr<std::vector<std::string>> ExpandPaths(const std::vector<std::string>& paths);

// A document id out of a path: the file's name, with '-' for what ids may not hold. Where `taken`
// has it already, names of parent folders or a number come before it. Adds it to `taken`.
std::string DocumentId(std::string_view path, std::set<std::string>& taken);

// The text of a file, or of stdin for "-". Returns DATA_LOSS if it is empty or no UTF-8 text, with
// the offset of the first wrong byte.
StatusOr<std::string> ReadTextFile(const std::string& path);

// One line of a JSONL file: {"id":str,"title":str?,"text":str,"metadata":{..}?}. Returns
// INVALID_ARGUMENT naming the field that is missing or of the wrong type.
StatusOr<LocalDocument> ParseDocumentLine(std::string_view line);

}  // namespace quire::services::cli
