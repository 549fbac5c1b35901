#include "engine/output_channel.h"

#include <iterator>
#include <utility>

namespace quire::engine {
namespace {

template <typename T>
void Append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Makes one event of two that follow each other.
void Join(OutputEvent& first, OutputEvent& next) {
  first.text += next.text;
  Append(first.ids, next.ids);
  Append(first.logprobs, next.logprobs);
  Append(first.prompt_logprobs, next.prompt_logprobs);
  first.finish = next.finish;
  first.stop_match = std::move(next.stop_match);
  first.usage = next.usage;
}

}  // namespace

void OutputChannel::Write(OutputEvent event) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = event.finish.has_value();
  if (pending_) {
    Join(*pending_, event);
  } else {
    pending_ = std::move(event);
  }
  changed_.notify_one();
}

void OutputChannel::Fail(Status status) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  error_ = std::move(status);
  changed_.notify_one();
}

StatusOr<std::optional<OutputEvent>> OutputChannel::Read(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return pending_.has_value() || ended_; });
  if (pending_) return std::exchange(pending_, std::nullopt);
  if (!error_.ok()) return error_;
  return std::optional<OutputEvent>();
}

}  // namespace quire::engine
