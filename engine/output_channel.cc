#include "engine/output_channel.h"

#include <algorithm>
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
  if (num_unfinished_ == 0) return;
  if (event.finish) --num_unfinished_;
  num_unread_ += static_cast<std::int32_t>(event.ids.size());
  const auto found = std::ranges::find(pending_, event.output, &OutputEvent::output);
  if (found == pending_.end()) {
    pending_.push_back(std::move(event));
  } else {
    Join(*found, event);
  }
  changed_.notify_one();
}

void OutputChannel::Fail(Status status) {
  const std::lock_guard lock(mutex_);
  if (num_unfinished_ == 0) return;
  num_unfinished_ = 0;
  error_ = std::move(status);
  failed_ = true;
  changed_.notify_one();
}

StatusOr<std::optional<OutputEvent>> OutputChannel::Read(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return !pending_.empty() || num_unfinished_ == 0; });
  if (!pending_.empty()) {
    OutputEvent event = std::move(pending_.front());
    pending_.pop_front();
    num_unread_ -= static_cast<std::int32_t>(event.ids.size());
    return std::optional(std::move(event));
  }
  if (!error_.ok()) return error_;
  return std::optional<OutputEvent>();
}

}  // namespace quire::engine
