#pragma once

#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "kernels/device.h"

namespace quire::testing {

// The machine's fastest CPU with a switch on Synchronize: it can be held up, so that a test sees an
// engine in the middle of a step, and it can be told to fail. With QUIRE_TEST_ASYNCHRONOUS in the
// environment it says that it is asynchronous, so that engines do what they do on a GPU.
//
// Thread-safe.
class FaultyDevice : public kernels::Device {
 public:
  FaultyDevice() : inner_(*kernels::FindDevice("cpu")) {}

  // Synchronize waits from now on.
  void Pause() {
    const std::lock_guard lock(mutex_);
    paused_ = true;
  }
  void Resume() {
    const std::lock_guard lock(mutex_);
    paused_ = false;
    changed_.notify_all();
  }
  // Threads that wait in Synchronize.
  int num_waiting() const {
    const std::lock_guard lock(mutex_);
    return num_waiting_;
  }
  // Lost from now on: every Synchronize and health() return UNAVAILABLE.
  void Lose() {
    const std::lock_guard lock(mutex_);
    is_lost_ = true;
  }
  Status health() const override {
    const std::lock_guard lock(mutex_);
    return Health();
  }
  // The next Synchronize returns `status`.
  void FailNextSynchronize(Status status) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }

  std::string_view name() const override { return inner_->name(); }
  const kernels::KernelTable& kernels() const override { return inner_->kernels(); }
  int efficient_batch_tokens() const override { return inner_->efficient_batch_tokens(); }
  StatusOr<std::unique_ptr<kernels::Stream>> NewStream() override { return inner_->NewStream(); }
  StatusOr<std::unique_ptr<kernels::DeviceMemory>> Allocate(std::int64_t size_bytes) override {
    return inner_->Allocate(size_bytes);
  }
  StatusOr<std::unique_ptr<kernels::DeviceMemory>> AllocateHost(std::int64_t size_bytes) override {
    return inner_->AllocateHost(size_bytes);
  }
  // Says from now on that it has memory of its own, so much of it free.
  void SetOwnMemory(std::int64_t free_bytes) { own_bytes_ = free_bytes; }
  std::optional<std::int64_t> free_bytes() override { return own_bytes_; }
  // As a GPU does.
  kernels::DType preferred_kv_type() const override {
    return own_bytes_ ? kernels::DType::kBF16 : inner_->preferred_kv_type();
  }
  // Called when a model brings a weight here, so that a test can act in the middle of loading.
  void OnImport(std::function<void()> action) { on_import_ = std::move(action); }
  StatusOr<kernels::ImportedWeight> ImportWeight(const kernels::MatrixView& host) override {
    if (on_import_) on_import_();
    return inner_->ImportWeight(host);
  }
  Status ValidateKvType(kernels::DType dtype) const override {
    return inner_->ValidateKvType(dtype);
  }
  StatusOr<std::unique_ptr<kernels::PackedWeight>> PackWeight(
      const kernels::QuantizedWeight& host) override {
    return inner_->PackWeight(host);
  }
  void CopyToDevice(void* device, const void* host, std::int64_t size_bytes,
                    kernels::Stream& stream) override {
    inner_->CopyToDevice(device, host, size_bytes, stream);
  }
  void CopyToHost(void* host, const void* device, std::int64_t size_bytes,
                  kernels::Stream& stream) override {
    inner_->CopyToHost(host, device, size_bytes, stream);
  }
  bool is_asynchronous() const override {
    return std::getenv("QUIRE_TEST_ASYNCHRONOUS") != nullptr;
  }
  StatusOr<kernels::Peaks> MeasurePeaks() override { return inner_->MeasurePeaks(); }

  Status Synchronize(kernels::Stream& stream) override {
    const Status status = inner_->Synchronize(stream);
    std::unique_lock lock(mutex_);
    ++num_waiting_;
    changed_.wait(lock, [this] { return !paused_; });
    --num_waiting_;
    QUIRE_RETURN_IF_ERROR(Health());
    if (failure_) return *std::exchange(failure_, std::nullopt);
    return status;
  }

 private:
  // Under mutex_.
  Status Health() const {
    return is_lost_ ? Unavailable("{}: lost, as planted", inner_->name()) : OkStatus();
  }

  const std::unique_ptr<kernels::Device> inner_;
  std::function<void()> on_import_;
  std::optional<std::int64_t> own_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool paused_ = false;            // guarded by mutex_
  int num_waiting_ = 0;            // guarded by mutex_
  bool is_lost_ = false;           // guarded by mutex_
  std::optional<Status> failure_;  // guarded by mutex_
};

}  // namespace quire::testing
