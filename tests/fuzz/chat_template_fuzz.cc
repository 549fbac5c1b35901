// Chat templates: every rendering ends, within its limits, and says so.

#include <nlohmann/json.hpp>

#include "engine/tokenizer/chat_template.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

nlohmann::ordered_json Conversation() {
  return nlohmann::ordered_json::parse(R"({"messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "1 < 2 {{ x }}"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function",
      "function": {"name": "f", "arguments": {"a": [1, 2.5, null, true, "é"]}}}]},
    {"role": "tool", "tool_call_id": "abcdefghi", "name": "f", "content": "3"},
    {"role": "user", "content": "Thanks"}],
   "tools": [{"type": "function", "function": {"name": "f", "description": "d",
     "parameters": {"type": "object", "properties": {"a": {"type": "array"}}}}}]})");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  static const nlohmann::ordered_json conversation = Conversation();
  const auto chat_template = engine::ChatTemplate::Compile(testing::AsText(data, size));
  if (!chat_template.ok()) {
    testing::CheckClear(chat_template.status());
    return 0;
  }
  const auto rendered =
      (*chat_template)->Render(conversation, {.bos_token = "<s>", .eos_token = "</s>"});
  // What a template raises may have any text.
  QUIRE_CHECK(rendered.ok() || rendered.status().code() != absl::StatusCode::kInternal);
  if (rendered.ok()) QUIRE_CHECK(engine::JoinSegments(*rendered).size() <= std::size_t{64} << 20);
  return 0;
}
