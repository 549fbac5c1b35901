#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;
};

// A model's chat template: Jinja source compiled to a syntax tree, run by our own interpreter with
// limits on steps, depth, output and memory. It reaches nothing but its inputs.
//
// Thread-safe: immutable after Compile.
class ChatTemplate {
 public:
  struct Options {
    bool add_generation_prompt = true;
    std::string bos_token;
    std::string eos_token;
    // Seconds since the epoch for strftime_now; fixed in tests.
    std::int64_t now_seconds = 0;
  };

  // Returns INVALID_ARGUMENT with line and column if `source` is no valid template.
  static StatusOr<std::unique_ptr<ChatTemplate>> Compile(std::string_view source);
  // The default template of a model: the one in the metadata of a .gguf file, or a directory's
  // chat_template.jinja, else tokenizer_config.json's chat_template. Returns NOT_FOUND if the model
  // has none.
  static StatusOr<std::unique_ptr<ChatTemplate>> Load(const std::string& path);

  virtual ~ChatTemplate() = default;

  // Renders `input` = {"messages": [...], "tools": [...]?, "kwargs": {...}?}, in which the order
  // of keys counts. `kwargs` are further variables of the template. The segments joined are the
  // rendered prompt byte for byte; every stretch that came from a string of the input is kContent,
  // the rest kTemplate. Well-known roles of messages ("user") count as the template's own words:
  // some templates make special tokens of them. Returns INVALID_ARGUMENT if the template calls
  // raise_exception or meets a wrong type, RESOURCE_EXHAUSTED if it exceeds a limit.
  virtual StatusOr<std::vector<TextSegment>> Render(const nlohmann::ordered_json& input,
                                                    const Options& options) const = 0;
  // The same for plain messages.
  StatusOr<std::vector<TextSegment>> RenderMessages(const std::vector<ChatMessage>& messages,
                                                    const Options& options) const;
};

// The segments joined: the prompt as text.
std::string JoinSegments(const std::vector<TextSegment>& segments);

}  // namespace quire::engine
