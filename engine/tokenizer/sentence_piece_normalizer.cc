#include "engine/tokenizer/sentence_piece_normalizer.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/grapheme_clusters.h"
#include "engine/tokenizer/metaspace.h"
#include "engine/tokenizer/token_trie.h"

namespace quire::engine {
namespace {

class PrecompiledNormalizer final : public Normalizer {
 public:
  explicit PrecompiledNormalizer(Charsmap charsmap) : charsmap_(std::move(charsmap)) {}

  void Normalize(AlignedText& text) const override {
    Rewriter rewriter(*this, text);
    ForEachGraphemeCluster(text.text(), [&](std::size_t begin, std::size_t end) {
      constexpr std::size_t kMaxClusterBytes = 5;
      if (end - begin <= kMaxClusterBytes && rewriter.Replace(begin, end)) return;
      for (std::size_t at = begin, next = 0; at < end; at = next) {
        next = at + static_cast<std::size_t>(DecodeUtf8(text.text(), at).length_bytes);
        rewriter.Replace(at, next);
      }
    });
    rewriter.Finish();
  }

 private:
  class Rewriter {
   public:
    Rewriter(const PrecompiledNormalizer& normalizer, AlignedText& text)
        : charsmap_(normalizer.charsmap_), text_(text), builder_(text) {}

    // Replaces the stretch by what the rule for its beginning says; false if there is none.
    bool Replace(std::size_t begin, std::size_t end) {
      const std::string_view stretch = std::string_view(text_.text()).substr(begin, end - begin);
      if (!charsmap_.CanStartWith(stretch.front())) return false;
      const Charsmap::Rule rule = charsmap_.FindShortest(stretch, 0);
      if (rule.length_bytes == 0) return false;
      builder_.Copy(kept_, begin);
      builder_.Replace(begin, end, rule.replacement);
      kept_ = end;
      return true;
    }
    void Finish() {
      if (kept_ == 0) return;
      builder_.Copy(kept_, text_.text().size());
      text_ = std::move(builder_).Build();
    }

   private:
    const Charsmap& charsmap_;
    AlignedText& text_;
    AlignedTextBuilder builder_;
    std::size_t kept_ = 0;  // where the text that is not written yet begins
  };

  const Charsmap charsmap_;
};

class SentencePieceNormalizer final : public Normalizer {
 public:
  explicit SentencePieceNormalizer(SentencePieceNormalization spec)
      : spec_(std::move(spec)), space_(spec_.escape_whitespaces ? kMetaspace : " ") {
    for (const std::string_view symbol : spec_.user_defined) {
      if (!symbol.empty()) user_defined_.Insert(symbol, 0);
    }
    spec_.user_defined.clear();
    for (std::size_t byte = 0; byte < kept_bytes_.size(); ++byte) {
      const char c = static_cast<char>(byte);
      kept_bytes_[byte] = IsUtf8Continuation(c) || (c != ' ' && !user_defined_.CanStartWith(c) &&
                                                    !spec_.charsmap.CanStartWith(c));
    }
  }

  void Normalize(AlignedText& text) const override {
    const std::string& source = text.text();
    std::size_t begin = 0;
    if (spec_.remove_extra_whitespaces) {
      for (Step step = StepAt(source, begin); step.text == " "; step = StepAt(source, begin)) {
        begin += step.length_bytes;
      }
    }
    AlignedTextBuilder out(text);
    if (begin < source.size()) WriteText(source, begin, out);
    text = std::move(out).Build();
  }

 private:
  // What the text at some place becomes.
  struct Step {
    std::string_view text;
    std::size_t length_bytes = 0;
  };

  Step StepAt(std::string_view text, std::size_t at) const {
    Step step;
    if (at >= text.size()) return step;
    if (user_defined_.CanStartWith(text[at])) {
      user_defined_.ForEachAt(text, at, [&step](const TokenTrie::Entry& entry) {
        step.length_bytes = entry.length_bytes;
      });
    }
    if (step.length_bytes == 0 && spec_.charsmap.CanStartWith(text[at])) {
      const Charsmap::Rule rule = spec_.charsmap.FindLongest(text, at);
      if (rule.length_bytes > 0) return {rule.replacement, rule.length_bytes};
    }
    if (step.length_bytes == 0) {
      step.length_bytes = static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
    }
    step.text = text.substr(at, step.length_bytes);
    return step;
  }

  void WriteText(std::string_view source, std::size_t begin, AlignedTextBuilder& out) const {
    const bool add_space = spec_.add_dummy_prefix;
    if (add_space && !spec_.whitespace_is_suffix) out.Replace(begin, begin, space_);
    WriteSteps(source, begin, out);
    while (spec_.remove_extra_whitespaces && out.text().ends_with(space_)) {
      out.RemoveLast(space_.size());
    }
    if (add_space && spec_.whitespace_is_suffix) {
      out.Replace(source.size(), source.size(), space_);
    }
  }

  void WriteSteps(std::string_view source, std::size_t begin, AlignedTextBuilder& out) const {
    bool after_space = spec_.remove_extra_whitespaces;
    std::size_t kept = begin;  // source[kept, at) stays as it is
    for (std::size_t at = begin, end = 0; at < source.size(); at = end) {
      if (kept_bytes_[static_cast<unsigned char>(source[at])]) {
        end = at + 1;
        after_space = false;
        continue;
      }
      const Step step = StepAt(source, at);
      end = at + step.length_bytes;
      std::string_view text = step.text;
      if (after_space) text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
      if (!text.empty()) after_space = spec_.remove_extra_whitespaces && text.ends_with(' ');
      if (text == source.substr(at, step.length_bytes) && text.find(' ') == text.npos) continue;
      out.Copy(kept, at);
      if (text == " ") {
        out.Replace(at, end, space_);
      } else {
        out.Replace(at, end, Escape(text));
      }
      kept = end;
    }
    out.Copy(kept, source.size());
  }

  std::string Escape(std::string_view text) const {
    std::string escaped;
    for (const char c : text) {
      if (c == ' ') {
        escaped += space_;
      } else {
        escaped += c;
      }
    }
    return escaped;
  }

  SentencePieceNormalization spec_;
  const std::string_view space_;
  TokenTrie user_defined_;
  // Bytes of characters that stay, whatever is around them: no rule begins with their first one.
  std::array<bool, 256> kept_bytes_{};
};

}  // namespace

std::unique_ptr<Normalizer> NewPrecompiledNormalizer(Charsmap charsmap) {
  return std::make_unique<PrecompiledNormalizer>(std::move(charsmap));
}

std::unique_ptr<Normalizer> NewSentencePieceNormalizer(SentencePieceNormalization spec) {
  return std::make_unique<SentencePieceNormalizer>(std::move(spec));
}

}  // namespace quire::engine
