#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "kernels/device.h"
#include "kernels/paged_attention.h"

namespace quire::engine {

// The steps of one decoder that its device has recorded. Enqueuing hundreds of kernels one by one
// takes a CPU as long as a GPU needs to run them when few rows are decoded; a recording is one
// call.
//
// Engine thread only. Device and stream must outlive it.
class StepRecordings {
 public:
  // What a step must have in common with the recorded one.
  struct Key {
    kernels::AttentionKey attention;
    const void* cache = nullptr;  // memory of the KV cache

    auto operator<=>(const Key&) const = default;
  };
  static constexpr std::size_t kMaxRecordings = 64;

  StepRecordings(kernels::Device& device, kernels::Stream& stream)
      : device_(device), stream_(stream) {}

  // Does what `enqueue` does: by itself the first time, when operations get their memory, recorded
  // from the second. Requires: as Device::Record, and the same launches for the same key.
  void Run(const Key& key, const std::function<void()>& enqueue);

  std::int64_t num_replays() const { return num_replays_; }

 private:
  struct Entry {
    std::unique_ptr<kernels::Recording> recording;  // null: enqueued once
    std::int64_t last_use = 0;
  };

  bool Replay(const Entry& entry);
  void DropOldest();

  kernels::Device& device_;
  kernels::Stream& stream_;
  std::map<Key, Entry> entries_;
  std::int64_t num_runs_ = 0;
  std::int64_t num_replays_ = 0;
  int num_failures_ = 0;  // to record
};

}  // namespace quire::engine
