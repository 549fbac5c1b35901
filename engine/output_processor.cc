#include "engine/output_processor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/request_tokens.h"

namespace quire::engine {
OutputProcessor::OutputProcessor(const Request& request, std::int32_t output,
                                 std::span<const TokenId> eos_token_ids, const Tokenizer& tokenizer,
                                 std::shared_ptr<OutputChannel> channel,
                                 Clock::time_point submitted)
    : request_(request),
      output_(output),
      end_tokens_(EndTokens(request, eos_token_ids)),
      tokenizer_(tokenizer),
      channel_(std::move(channel)),
      detokenizer_(tokenizer, ContinuesText(request, tokenizer)),
      stop_checker_(request.stop),
      submitted_(submitted) {
  usage_.prompt_tokens = static_cast<std::int32_t>(request.prompt.size());
}

void OutputProcessor::OnScheduled(const Sequence& sequence, Clock::time_point now) {
  if (is_scheduled_) return;
  is_scheduled_ = true;
  usage_.cached_tokens = sequence.num_cached;
  usage_.prefix_miss = sequence.prefix_miss;
  scheduled_ = now;
  usage_.queue_time = now - submitted_;
}

void OutputProcessor::OnDraft(std::int32_t num_draft, std::int32_t num_accepted) {
  usage_.draft_tokens += num_draft;
  usage_.accepted_draft_tokens += num_accepted;
}

void OutputProcessor::OnPromptLogprobs(std::vector<ScoredToken> logprobs) {
  prompt_logprobs_.insert(prompt_logprobs_.end(), std::make_move_iterator(logprobs.begin()),
                          std::make_move_iterator(logprobs.end()));
}

bool OutputProcessor::MayEndWith(std::span<const ScoredToken> tokens, bool is_complete) const {
  const auto count = static_cast<std::int32_t>(tokens.size());
  return is_complete || !request_.stop.empty() ||
         usage_.completion_tokens + count >= request_.max_new_tokens ||
         std::ranges::any_of(tokens,
                             [&](const ScoredToken& token) { return IsEndToken(token.token.id); });
}

bool OutputProcessor::OnToken(ScoredToken token, bool is_complete, Clock::time_point now) {
  if (usage_.completion_tokens++ == 0) {
    first_token_ = now;
    usage_.prefill_time = now - scheduled_;
  }
  usage_.decode_time = now - first_token_;
  if (!event_) event_ = NewEvent();
  OutputEvent& event = *event_;
  const TokenId id = token.token.id;
  event.ids.push_back(id);
  if (request_.num_logprobs) event.logprobs.push_back(std::move(token));
  // A token that ends the output is counted and listed, but gives no text.
  if (!IsEndToken(id)) AppendText(id, event);
  std::optional<FinishReason> finish = FinishAfter(id);
  if (is_complete && finish != FinishReason::kStopString) finish = FinishReason::kStop;
  if (!prompt_logprobs_.empty()) event.prompt_logprobs = std::exchange(prompt_logprobs_, {});
  if (finish) Finish(*finish, event);
  event.usage = usage_;
  return finish.has_value();
}

void OutputProcessor::OnPromptDone(Clock::time_point now) {
  usage_.prefill_time = now - scheduled_;
  OutputEvent event = NewEvent();
  event.prompt_logprobs = std::exchange(prompt_logprobs_, {});
  event.finish = FinishReason::kLength;
  event.usage = usage_;
  event_ = std::move(event);
}

OutputEvent OutputProcessor::NewEvent() const {
  OutputEvent event;
  event.output = output_;
  return event;
}

void OutputProcessor::Flush() {
  if (event_) channel_->Write(*std::exchange(event_, std::nullopt));
  if (!error_.ok()) channel_->Fail(error_);
}

bool OutputProcessor::IsEndToken(TokenId id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

std::optional<FinishReason> OutputProcessor::FinishAfter(TokenId id) const {
  if (IsEndToken(id)) return FinishReason::kStop;
  if (!stop_checker_.match().empty()) return FinishReason::kStopString;
  if (usage_.completion_tokens >= request_.max_new_tokens) return FinishReason::kLength;
  return std::nullopt;
}

void OutputProcessor::AppendText(TokenId id, OutputEvent& event) {
  // A model may have more rows than its tokenizer has tokens; the rest stands for nothing.
  if (id >= tokenizer_.vocab_size()) return;
  event.text += stop_checker_.Push(detokenizer_.Push(id));
}

void OutputProcessor::Finish(FinishReason reason, OutputEvent& event) {
  event.text += stop_checker_.Push(detokenizer_.Finish());
  event.text += stop_checker_.Finish();
  event.finish = stop_checker_.match().empty() ? reason : FinishReason::kStopString;
  event.stop_match = stop_checker_.match();
}

}  // namespace quire::engine
