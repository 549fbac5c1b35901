// tekken.json: what loads encodes and decodes.

#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  testing::WriteInput("tekken.json", testing::AsText(data, size));
  const auto tokenizer = engine::Tokenizer::Load(testing::InputFolder().string());
  testing::CheckClear(tokenizer.status());
  if (!tokenizer.ok()) return 0;
  const auto ids = (*tokenizer)->Encode("testing e\u0301 日本 <s>[INST] 123 \xFF", {});
  for (const engine::TokenId id : ids) QUIRE_CHECK(id >= 0 && id < (*tokenizer)->vocab_size());
  QUIRE_CHECK((*tokenizer)->Decode(ids, false).ok());
  return 0;
}
