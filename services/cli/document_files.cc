#include "services/cli/document_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace quire::services::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

bool IsTextFile(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".txt" || extension == ".md" || extension == ".markdown";
}

StatusOr<std::vector<std::string>> TextFilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file() && IsTextFile(it->path())) files.push_back(it->path().string());
  }
  if (error) return NotFound("{}: {}", folder, error.message());
  if (files.empty()) return NotFound("{}: no .txt, .md or .markdown file below it", folder);
  std::sort(files.begin(), files.end());
  return files;
}

// Letters, digits, '.', '_' and '-' stay; a stretch of anything else becomes one '-'.
std::string AllowedCharacters(std::string_view name) {
  std::string id;
  for (const char c : name) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (allowed) {
      id += c;
    } else if (id.empty() || id.back() != '-') {
      id += '-';
    }
  }
  id.erase(0, std::min(id.find_first_not_of('.'), id.size()));
  // The end is kept: it holds the file's extension, which tells the media type.
  if (id.size() > kMaxIdBytes) id.erase(0, id.size() - kMaxIdBytes);
  id.erase(0, std::min(id.find_first_not_of('.'), id.size()));
  return id.empty() ? "document" : id;
}

// Reads a string field; an absent optional one leaves `value` as it is.
Status ReadField(const nlohmann::json& json, const char* field, bool required, std::string& value) {
  const auto it = json.find(field);
  if (it == json.end() || it->is_null()) {
    if (required) return InvalidArgument("{}: wanted a string, have nothing", field);
    return OkStatus();
  }
  if (!it->is_string())
    return InvalidArgument("{}: wanted a string, have {}", field, it->type_name());
  value = it->get<std::string>();
  return OkStatus();
}

// Strings as they are, numbers and booleans as JSON writes them.
Status ReadMetadata(const nlohmann::json& json, LocalDocument& document) {
  const auto metadata = json.find("metadata");
  if (metadata == json.end() || metadata->is_null()) return OkStatus();
  if (!metadata->is_object()) {
    return InvalidArgument("metadata: wanted an object, have {}", metadata->type_name());
  }
  for (const auto& [key, value] : metadata->items()) {
    if (value.is_structured()) {
      return InvalidArgument("metadata.{}: wanted a string, have {}", key, value.type_name());
    }
    document.metadata.emplace_back(key,
                                   value.is_string() ? value.get<std::string>() : value.dump());
  }
  return OkStatus();
}

StatusOr<std::string> ReadAll(std::istream& stream, const std::string& path) {
  std::string text;
  std::vector<char> block(1 << 16);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())),
         stream.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaxFileBytes) {
      return InvalidArgument("{}: wanted at most {} bytes, have more", path, kMaxFileBytes);
    }
  }
  return text;
}

}  // namespace

StatusOr<std::vector<std::string>> ExpandPaths(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || fs::is_regular_file(path, error)) {
      files.push_back(path);
    } else if (fs::is_directory(path, error)) {
      QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> below, TextFilesBelow(path));
      files.insert(files.end(), below.begin(), below.end());
    } else if (!fs::exists(path, error)) {
      return NotFound("{}: no such file", path);
    } else {
      files.push_back(path);  // a pipe, a device
    }
  }
  return files;
}

std::string DocumentId(std::string_view path, std::set<std::string>& taken) {
  if (path == "-") path = "stdin";
  fs::path folder = fs::path(path).parent_path();
  std::string name = fs::path(path).filename().string();
  std::string id = AllowedCharacters(name);
  while (taken.contains(id) && folder.has_filename()) {
    name = folder.filename().string() + "-" + name;
    folder = folder.parent_path();
    id = AllowedCharacters(name);
  }
  for (int number = 2; taken.contains(id); ++number) {
    id = AllowedCharacters(fmt::format("{}-{}", number, name));
  }
  taken.insert(id);
  return id;
}

StatusOr<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return NotFound("{}: cannot be opened", path);
  }
  QUIRE_ASSIGN_OR_RETURN(const std::string text,
                         ReadAll(path == "-" ? std::cin : static_cast<std::istream&>(file), path));
  if (text.empty()) return DataLoss("{}: wanted text, have an empty file", path);
  if (const std::size_t invalid = FindInvalidUtf8(text); invalid != text.size()) {
    return DataLoss("{}: wanted UTF-8 text, have an invalid byte at offset {}", path, invalid);
  }
  return text;
}

StatusOr<LocalDocument> ParseDocumentLine(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("wanted a JSON object, have something else");
  LocalDocument document;
  QUIRE_RETURN_IF_ERROR(ReadField(json, "id", /*required=*/true, document.id));
  QUIRE_RETURN_IF_ERROR(ReadField(json, "text", /*required=*/true, document.text));
  QUIRE_RETURN_IF_ERROR(ReadField(json, "title", /*required=*/false, document.title));
  QUIRE_RETURN_IF_ERROR(ReadMetadata(json, document));
  return document;
}

}  // namespace quire::services::cli
