#include "engine/model/step_recordings.h"

#include <algorithm>

namespace quire::engine {
namespace {

// A device that refuses so often will not record this model.
constexpr int kMaxFailures = 8;

}  // namespace

void StepRecordings::Run(const Key& key, const std::function<void()>& enqueue) {
  const auto [it, is_new] = entries_.try_emplace(key);
  Entry& entry = it->second;
  entry.last_use = ++num_runs_;
  if (is_new) {
    if (entries_.size() > kMaxRecordings) DropOldest();
    return enqueue();
  }
  if (Replay(entry)) return;
  entry.recording = num_failures_ < kMaxFailures ? device_.Record(stream_, enqueue) : nullptr;
  if (Replay(entry)) return;
  ++num_failures_;
  enqueue();
}

bool StepRecordings::Replay(const Entry& entry) {
  if (entry.recording == nullptr || !device_.Replay(*entry.recording, stream_)) return false;
  ++num_replays_;
  return true;
}

void StepRecordings::DropOldest() {
  entries_.erase(std::ranges::min_element(entries_, {},
                                          [](const auto& entry) { return entry.second.last_use; }));
}

}  // namespace quire::engine
