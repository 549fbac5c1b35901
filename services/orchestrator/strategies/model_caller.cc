#include "services/orchestrator/strategies/model_caller.h"

#include <utility>

#include "services/orchestrator/citations/marker_filter.h"

namespace quire::services {

StatusOr<CitedText> ModelCaller::Call(const NumberedPrompt& prompt, const std::stop_token& stop) {
  GenerationOptions options = options_;
  options.stop = stop;
  QUIRE_ASSIGN_OR_RETURN(const Completion completion,
                         model_.Generate(prompt.prompt, options, nullptr));
  Count(completion);
  const auto num_sources = static_cast<int>(prompt.sources.size());
  return CitedText{.text = FilterMarkers(completion.text, num_sources),
                   .sources = prompt.sources,
                   .truncated = completion.truncated};
}

StatusOr<CitedText> ModelCaller::Stream(const NumberedPrompt& prompt, const TextSink& sink) {
  MarkerFilter filter(static_cast<int>(prompt.sources.size()));
  CitedText reply = {.text = "", .sources = prompt.sources};
  Status sink_status;
  const auto pass_on = [&](const std::string& text) {
    reply.text += text;
    sink_status = sink(text);
    return sink_status.ok();
  };
  const auto completion = model_.Generate(
      prompt.prompt, options_, [&](std::string_view delta) { return pass_on(filter.Push(delta)); });
  QUIRE_RETURN_IF_ERROR(sink_status);
  QUIRE_RETURN_IF_ERROR(completion.status());
  Count(*completion);
  if (!pass_on(filter.Finish())) return sink_status;
  reply.truncated = completion->truncated;
  return reply;
}

orchestrator::v1::Usage ModelCaller::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

void ModelCaller::Count(const Completion& completion) {
  const std::lock_guard lock(mutex_);
  usage_.set_model_calls(usage_.model_calls() + 1);
  usage_.set_prompt_tokens(usage_.prompt_tokens() + completion.prompt_tokens);
  usage_.set_completion_tokens(usage_.completion_tokens() + completion.completion_tokens);
  usage_.set_cached_tokens(usage_.cached_tokens() + completion.cached_tokens);
}

}  // namespace quire::services
