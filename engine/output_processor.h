#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/output_channel.h"
#include "engine/sampling/stop_checker.h"
#include "engine/scheduler/request.h"
#include "engine/tokenizer/incremental_detokenizer.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Turns the tokens of one request into events on its channel: text, stop strings, end of sequence,
// length, usage. What happened in a step goes out with Flush, so that the engine can free the
// blocks of a request before its reader learns that it ended.
//
// Engine thread only. `request` and `tokenizer` must outlive it.
class OutputProcessor {
 public:
  using Clock = std::chrono::steady_clock;

  // `eos_token_ids` are the model's; Request::ignore_eos leaves them out. The channel's owners:
  // this and the stream that the caller of Submit reads.
  OutputProcessor(const Request& request, std::span<const TokenId> eos_token_ids,
                  const Tokenizer& tokenizer, std::shared_ptr<OutputChannel> channel,
                  Clock::time_point submitted);

  // The request is in a batch, which counts the first time; `cached_tokens` of its prompt were
  // found computed.
  void OnScheduled(std::int32_t cached_tokens, Clock::time_point now);
  void OnPromptLogprobs(std::vector<ScoredToken> logprobs);
  // A sampled token; `is_complete` if its constraint lets none follow. True if it was the last.
  bool OnToken(ScoredToken token, bool is_complete, Clock::time_point now);
  // The prompt is computed and no token is wanted.
  void OnPromptDone(Clock::time_point now);
  // Ends the output with an error.
  void OnError(Status status) { error_ = std::move(status); }

  // Gives out what happened since the last call, if anything.
  void Flush();

  bool cancelled() const { return channel_->cancelled(); }

 private:
  bool IsEndToken(TokenId id) const;
  // What the output is after `id`; nothing if it goes on.
  std::optional<FinishReason> FinishAfter(TokenId id) const;
  void AppendText(TokenId id, OutputEvent& event);
  void Finish(FinishReason reason, OutputEvent& event);

  const Request& request_;
  std::vector<TokenId> end_tokens_;
  const Tokenizer& tokenizer_;
  const std::shared_ptr<OutputChannel> channel_;
  IncrementalDetokenizer detokenizer_;
  StopChecker stop_checker_;
  std::vector<ScoredToken> prompt_logprobs_;  // not given out yet
  std::optional<OutputEvent> event_;          // of this step
  Status error_;
  Usage usage_;
  Clock::time_point submitted_;
  Clock::time_point scheduled_;
  Clock::time_point first_token_;
  bool is_scheduled_ = false;
};

}  // namespace quire::engine
