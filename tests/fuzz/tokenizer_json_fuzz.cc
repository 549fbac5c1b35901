// tokenizer.json: what loads encodes and decodes.

#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  testing::WriteInput("tokenizer.json", testing::AsText(data, size));
  const auto tokenizer = engine::Tokenizer::Load(testing::InputFolder().string());
  testing::CheckClear(tokenizer.status());
  if (!tokenizer.ok()) return 0;
  for (const char* text :
       {"Once upon a time, 12 é日本 \xF0\x9F\x99\x82\r\n  <s> don't",
        "\xFF\xC3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    const auto spans = (*tokenizer)->EncodeWithSpans(text, {.parse_special_tokens = true});
    std::vector<engine::TokenId> ids;
    for (const engine::TokenSpan& span : spans) {
      QUIRE_CHECK(span.id >= 0 && span.id < (*tokenizer)->vocab_size());
      QUIRE_CHECK(0 <= span.begin && span.begin <= span.end);
      QUIRE_CHECK(span.end <= static_cast<std::int64_t>(std::string_view(text).size()));
      ids.push_back(span.id);
    }
    QUIRE_CHECK((*tokenizer)->Decode(ids, false).ok());
  }
  return 0;
}
