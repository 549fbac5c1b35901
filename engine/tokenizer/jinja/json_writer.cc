#include "engine/tokenizer/jinja/json_writer.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

std::string Utf16Escape(char32_t c) {
  const auto code = static_cast<std::uint32_t>(c);
  if (code < 0x10000) return fmt::format("\\u{:04x}", code);
  const std::uint32_t offset = code - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
}

// The escape that JSON needs for `c`; empty if it stands for itself.
std::string JsonEscape(char32_t c, bool ensure_ascii) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      return c < 0x20 || (ensure_ascii && c > 0x7E) ? Utf16Escape(c) : std::string();
  }
}

std::string FloatText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return FloatRepr(value);
}

class JsonWriter {
 public:
  JsonWriter(const JsonLayout& layout, Runtime& runtime) : layout_(layout), runtime_(runtime) {}

  Status Write(const Value& value) {
    QUIRE_RETURN_IF_ERROR(runtime_.budget().Step());
    switch (value.kind()) {
      case Kind::kNone:
      case Kind::kBool:
      case Kind::kInteger:
      case Kind::kFloat:
        return Put(ScalarText(value));
      case Kind::kText:
        return WriteText(value.text());
      case Kind::kSequence:
        if (value.sequence().kind == Sequence::Kind::kList ||
            value.sequence().kind == Sequence::Kind::kTuple) {
          return WriteSequence(value.sequence());
        }
        break;
      case Kind::kDict:
        return WriteDict(value.dict());
      default:
        break;
    }
    return InvalidArgument("tojson: wanted a value that JSON has, have {}", TypeName(value));
  }

  Text TakeText() { return std::move(out_); }

 private:
  static std::string ScalarText(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is(Kind::kBool)) return value.boolean() ? "true" : "false";
    if (value.is(Kind::kFloat)) return FloatText(value.number());
    return std::to_string(value.integer());
  }

  Status Put(std::string_view bytes) {
    QUIRE_RETURN_IF_ERROR(runtime_.budget().TextSize(out_.size() + bytes.size()));
    out_.Append(bytes, Origin::kTemplate);
    return OkStatus();
  }

  Status WriteText(const Text& text) {
    QUIRE_RETURN_IF_ERROR(runtime_.budget().TextSize(out_.size() + text.size()));
    out_.Append("\"", Origin::kTemplate);
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = NextCharacter(text.view(), at);
      const std::string escape =
          JsonEscape(DecodeUtf8(text.view(), at).code_point, layout_.ensure_ascii);
      if (!escape.empty()) {
        out_.AppendSlice(text, copied, at);
        out_.Append(escape, text.OriginAt(at));
        copied = end;
      }
      at = end;
    }
    out_.AppendSlice(text, copied, text.size());
    out_.Append("\"", Origin::kTemplate);
    return OkStatus();
  }

  // A line break and the indentation of the level at hand, if there is any.
  Status BreakLine() {
    if (!layout_.indent) return OkStatus();
    std::string line = "\n";
    for (int i = 0; i < level_; ++i) line += *layout_.indent;
    return Put(line);
  }
  Status Separate(bool first) {
    if (!first) QUIRE_RETURN_IF_ERROR(Put(layout_.item_separator));
    return BreakLine();
  }

  Status WriteSequence(const Sequence& sequence) {
    if (sequence.items.empty()) return Put("[]");
    const Nesting nesting(runtime_.budget());
    QUIRE_RETURN_IF_ERROR(nesting.status());
    QUIRE_RETURN_IF_ERROR(Put("["));
    ++level_;
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      QUIRE_RETURN_IF_ERROR(Separate(i == 0));
      QUIRE_RETURN_IF_ERROR(Write(sequence.items[i]));
    }
    --level_;
    QUIRE_RETURN_IF_ERROR(BreakLine());
    return Put("]");
  }

  Status WriteDict(const Dict& dict) {
    if (dict.size() == 0) return Put("{}");
    const Nesting nesting(runtime_.budget());
    QUIRE_RETURN_IF_ERROR(nesting.status());
    std::vector<Dict::Entry> entries = dict.entries();
    if (layout_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return a.first.is_text() && b.first.is_text() &&
               a.first.text().bytes() < b.first.text().bytes();
      });
    }
    QUIRE_RETURN_IF_ERROR(Put("{"));
    ++level_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      QUIRE_RETURN_IF_ERROR(Separate(i == 0));
      QUIRE_RETURN_IF_ERROR(WriteKey(entries[i].first));
      QUIRE_RETURN_IF_ERROR(Put(layout_.key_separator));
      QUIRE_RETURN_IF_ERROR(Write(entries[i].second));
    }
    --level_;
    QUIRE_RETURN_IF_ERROR(BreakLine());
    return Put("}");
  }

  Status WriteKey(const Value& key) {
    if (key.is_text()) return WriteText(key.text());
    if (key.is_none() || key.is_number()) return Put("\"" + ScalarText(key) + "\"");
    return InvalidArgument("tojson: wanted a key that JSON has, have {}", TypeName(key));
  }

  const JsonLayout& layout_;
  Runtime& runtime_;
  Text out_;
  int level_ = 0;
};

}  // namespace

StatusOr<Text> WriteJson(const Value& value, const JsonLayout& layout, Runtime& runtime) {
  JsonWriter writer(layout, runtime);
  QUIRE_RETURN_IF_ERROR(writer.Write(value));
  return writer.TakeText();
}

}  // namespace quire::engine::jinja
