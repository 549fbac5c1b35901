#include "engine/tokenizer/tokenizer_json.h"

#include <filesystem>
#include <limits>

#include "base/mapped_file.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20;
constexpr std::size_t kMaxJsonDepth = 64;
constexpr std::size_t kMaxVocabSize = Vocabulary::kMaxSize;

// Builds a JSON tree from parse events, refusing deep nesting before it is built.
class TreeBuilder : public nlohmann::json_sax<json> {
 public:
  explicit TreeBuilder(json* root) { stack_.push_back(root); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Fail("unexpected binary value"); }
  bool start_object(std::size_t) override { return Open(json::object()); }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(fmt::format("no valid JSON at byte {}", position));
  }

  const std::string& error() const { return error_; }

 protected:
  bool Fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return false;
  }
  // Containers that are open, the document itself included.
  std::size_t depth() const { return stack_.size() - 1; }
  const std::string& last_key() const { return key_; }

 private:
  json* Place(json&& value) {
    json& parent = *stack_.back();
    if (depth() == 0) return &(parent = std::move(value));
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    return &(parent[key_] = std::move(value));
  }
  bool Add(json&& value) {
    Place(std::move(value));
    return true;
  }
  bool Open(json&& value) {
    if (depth() >= kMaxJsonDepth) return Fail(fmt::format("nested deeper than {}", kMaxJsonDepth));
    stack_.push_back(Place(std::move(value)));
    return true;
  }
  bool Close() {
    stack_.pop_back();
    return true;
  }

  std::vector<json*> stack_;
  std::string key_;
  std::string error_;
};

// Diverts model.vocab (an object, or an array of scored pieces) and model.merges (an array) into
// the tables of TokenizerJson.
class TokenizerJsonBuilder final : public TreeBuilder {
 public:
  explicit TokenizerJsonBuilder(TokenizerJson* out) : TreeBuilder(&out->root), out_(*out) {}

  bool null() override { return table_ == Table::kNone ? TreeBuilder::null() : FailEntry(); }
  bool boolean(bool value) override {
    return table_ == Table::kNone ? TreeBuilder::boolean(value) : FailEntry();
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return table_ == Table::kNone ? TreeBuilder::number_float(value, text) : AddScore(value);
  }
  bool number_integer(number_integer_t value) override {
    return table_ == Table::kNone ? TreeBuilder::number_integer(value)
                                  : AddScore(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (table_ == Table::kNone) return TreeBuilder::number_unsigned(value);
    if (table_ != Table::kVocab) return AddScore(static_cast<double>(value));
    if (value > std::numeric_limits<TokenId>::max()) return FailEntry();
    out_.vocab.emplace_back(std::move(token_), static_cast<TokenId>(value));
    return true;
  }
  bool string(string_t& value) override {
    if (table_ == Table::kNone) return TreeBuilder::string(value);
    if (table_ == Table::kMerges) return AddMergeLine(value);
    if (table_ == Table::kScoredPiece) {
      if (pair_size_++ != 0) return FailEntry();
      token_ = std::move(value);
      return true;
    }
    if (table_ != Table::kMergePair || pair_size_ == 2) return FailEntry();
    (pair_size_++ == 0 ? pair_.first : pair_.second) = std::move(value);
    return true;
  }
  bool key(string_t& value) override {
    if (table_ == Table::kNone) {
      if (depth() == 1) in_model_ = value == "model";
      return TreeBuilder::key(value);
    }
    token_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t size) override {
    if (table_ != Table::kNone) return FailEntry();
    if (!AtModelField("vocab")) return TreeBuilder::start_object(size);
    table_ = Table::kVocab;
    return true;
  }
  bool end_object() override {
    if (table_ != Table::kVocab) return TreeBuilder::end_object();
    table_ = Table::kNone;
    return true;
  }
  bool start_array(std::size_t size) override {
    if (table_ == Table::kMerges) return Enter(Table::kMergePair);
    if (table_ == Table::kScoredPieces) return Enter(Table::kScoredPiece);
    if (table_ != Table::kNone) return FailEntry();
    if (AtModelField("merges")) return Enter(Table::kMerges);
    if (AtModelField("vocab")) return Enter(Table::kScoredPieces);
    return TreeBuilder::start_array(size);
  }
  bool end_array() override {
    switch (table_) {
      case Table::kNone:
        return TreeBuilder::end_array();
      case Table::kMerges:
      case Table::kScoredPieces:
        return Enter(Table::kNone);
      case Table::kMergePair:
        if (pair_size_ != 2) return FailEntry();
        out_.merges.push_back(std::move(pair_));
        return Enter(Table::kMerges);
      case Table::kScoredPiece:
        return pair_size_ == 2 ? Enter(Table::kScoredPieces) : FailEntry();
      case Table::kVocab:
        break;
    }
    return FailEntry();
  }

 private:
  enum class Table { kNone, kVocab, kMerges, kMergePair, kScoredPieces, kScoredPiece };

  bool AtModelField(std::string_view field) const {
    return depth() == 2 && in_model_ && last_key() == field;
  }
  bool Enter(Table table) {
    table_ = table;
    pair_size_ = 0;
    return true;
  }
  bool FailEntry() {
    switch (table_) {
      case Table::kVocab:
        return Fail(fmt::format("model.vocab.{}: wanted an id in [0, 2^31)", token_));
      case Table::kScoredPieces:
      case Table::kScoredPiece:
        return Fail(
            fmt::format("model.vocab[{}]: wanted a piece and its score", out_.vocab.size()));
      default:
        return Fail(fmt::format("model.merges[{}]: wanted two pieces", out_.merges.size()));
    }
  }
  // The second half of [piece, score]; ids are positions.
  bool AddScore(double score) {
    if (table_ != Table::kScoredPiece || pair_size_ != 1 || out_.vocab.size() >= kMaxVocabSize) {
      return FailEntry();
    }
    ++pair_size_;
    out_.vocab.emplace_back(std::move(token_), static_cast<TokenId>(out_.vocab.size()));
    out_.scores.push_back(score);
    return true;
  }
  // The older spelling: "left right".
  bool AddMergeLine(const std::string& line) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) {
      return FailEntry();
    }
    out_.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
    return true;
  }

  TokenizerJson& out_;
  Table table_ = Table::kNone;
  bool in_model_ = false;
  std::string token_;
  std::pair<std::string, std::string> pair_;
  int pair_size_ = 0;
};

Status Parse(const std::string& path, TreeBuilder& builder) {
  QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
  // The parser takes a zero byte for the end of the text.
  if (const std::size_t at = text.find('\0'); at != std::string::npos) {
    return InvalidArgument("{}: no valid JSON at byte {}", path, at);
  }
  try {
    if (json::sax_parse(text, &builder)) return OkStatus();
  } catch (const std::exception& error) {
    return InvalidArgument("{}: {}", path, error.what());
  }
  return InvalidArgument("{}: {}", path, builder.error());
}

}  // namespace

StatusOr<TokenizerJson> ReadTokenizerJson(const std::string& path) {
  TokenizerJson result;
  TokenizerJsonBuilder builder(&result);
  QUIRE_RETURN_IF_ERROR(Parse(path, builder));
  if (!result.scores.empty() && result.scores.size() != result.vocab.size()) {
    return InvalidArgument("{}: model.vocab: wanted it once, have an object and an array", path);
  }
  return result;
}

StatusOr<json> ReadJson(const std::string& path) {
  json root;
  TreeBuilder builder(&root);
  QUIRE_RETURN_IF_ERROR(Parse(path, builder));
  return root;
}

}  // namespace quire::engine
