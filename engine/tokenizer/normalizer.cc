#include "engine/tokenizer/normalizer.h"

#include <functional>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/tokenizer/character_normalizers.h"
#include "engine/tokenizer/sentence_piece_normalizer.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer/unicode_normalizer.h"

namespace quire::engine {
namespace {

class SequenceNormalizer final : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void Normalize(AlignedText& text) const override {
    for (const auto& step : steps_) step->Normalize(text);
  }

 private:
  const std::vector<std::unique_ptr<Normalizer>> steps_;
};

class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prefix) : prefix_(std::move(prefix)) {}
  void Normalize(AlignedText& text) const override {
    if (text.text().empty()) return;
    AlignedTextBuilder builder(text);
    builder.Replace(0, 0, prefix_);
    builder.Copy(0, text.text().size());
    text = std::move(builder).Build();
  }

 private:
  const std::string prefix_;
};

class ReplaceNormalizer final : public Normalizer {
 public:
  ReplaceNormalizer(std::unique_ptr<SplitPattern> pattern, std::string replacement)
      : pattern_(std::move(pattern)), replacement_(std::move(replacement)) {}
  void Normalize(AlignedText& text) const override {
    AlignedTextBuilder builder(text);
    std::size_t done = 0;
    pattern_->ForEachMatch(text.text(), [&](const Match& match) {
      builder.Copy(done, match.begin);
      builder.Replace(match.begin, match.end, replacement_);
      done = match.end;
    });
    if (done == 0) return;
    builder.Copy(done, text.text().size());
    text = std::move(builder).Build();
  }

 private:
  const std::unique_ptr<SplitPattern> pattern_;
  const std::string replacement_;
};

StatusOr<std::unique_ptr<Normalizer>> NewNormalizerSequence(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("normalizers"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<Normalizer> step, NewNormalizer(element));
    steps.push_back(std::move(step));
  }
  return std::make_unique<SequenceNormalizer>(std::move(steps));
}

StatusOr<std::unique_ptr<Normalizer>> NewPrepend(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField field, spec.Get("prepend"));
  QUIRE_ASSIGN_OR_RETURN(std::string prefix, field.String());
  return std::make_unique<PrependNormalizer>(std::move(prefix));
}

StatusOr<std::unique_ptr<Normalizer>> NewReplace(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField pattern_field, spec.Get("pattern"));
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<SplitPattern> pattern, NewSplitPattern(pattern_field));
  QUIRE_ASSIGN_OR_RETURN(const JsonField content, spec.Get("content"));
  QUIRE_ASSIGN_OR_RETURN(std::string replacement, content.String());
  return std::make_unique<ReplaceNormalizer>(std::move(pattern), std::move(replacement));
}

StatusOr<std::unique_ptr<Normalizer>> NewStrip(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const bool left, spec.BoolOr("strip_left", true));
  QUIRE_ASSIGN_OR_RETURN(const bool right, spec.BoolOr("strip_right", true));
  return NewStripNormalizer(left, right);
}

StatusOr<std::unique_ptr<Normalizer>> NewBert(const JsonField& spec) {
  BertNormalizerOptions options;
  QUIRE_ASSIGN_OR_RETURN(options.clean_text, spec.BoolOr("clean_text", true));
  QUIRE_ASSIGN_OR_RETURN(options.space_cjk, spec.BoolOr("handle_chinese_chars", true));
  QUIRE_ASSIGN_OR_RETURN(options.lowercase, spec.BoolOr("lowercase", true));
  QUIRE_ASSIGN_OR_RETURN(options.strip_accents, spec.BoolOr("strip_accents", options.lowercase));
  return NewBertNormalizer(options);
}

StatusOr<std::unique_ptr<Normalizer>> NewPrecompiled(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const std::string encoded, spec.StringOr("precompiled_charsmap", ""));
  const std::string place = spec.path() + ".precompiled_charsmap";
  std::string bytes;
  if (!absl::Base64Unescape(encoded, &bytes)) return InvalidArgument("{}: wanted base64", place);
  QUIRE_ASSIGN_OR_RETURN(Charsmap charsmap, Charsmap::Parse(bytes, place));
  return NewPrecompiledNormalizer(std::move(charsmap));
}

}  // namespace

StatusOr<std::unique_ptr<Normalizer>> NewNormalizer(const JsonField& spec) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField type_field, spec.Get("type"));
  QUIRE_ASSIGN_OR_RETURN(const std::string type, type_field.String());
  if (type == "Sequence") return NewNormalizerSequence(spec);
  if (type == "Prepend") return NewPrepend(spec);
  if (type == "Replace") return NewReplace(spec);
  if (type == "NFC") return NewUnicodeNormalizer(NormalizationForm::kNfc);
  if (type == "NFD") return NewUnicodeNormalizer(NormalizationForm::kNfd);
  if (type == "NFKC") return NewUnicodeNormalizer(NormalizationForm::kNfkc);
  if (type == "NFKD") return NewUnicodeNormalizer(NormalizationForm::kNfkd);
  if (type == "Lowercase") return NewLowercaseNormalizer();
  if (type == "StripAccents") return NewStripAccentsNormalizer();
  if (type == "Strip") return NewStrip(spec);
  if (type == "BertNormalizer") return NewBert(spec);
  if (type == "Nmt") return NewNmtNormalizer();
  if (type == "ByteLevel") return NewByteLevelNormalizer();
  if (type == "Precompiled") return NewPrecompiled(spec);
  return type_field.Wanted(
      "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, "
      "BertNormalizer, Nmt, ByteLevel or Precompiled");
}

}  // namespace quire::engine
