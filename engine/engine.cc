#include "engine/engine.h"

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "engine/model_loading.h"
#include "engine/output_channel.h"
#include "engine/output_processor.h"
#include "engine/request_tokens.h"
#include "engine/request_validation.h"
#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/step_loop.h"

namespace quire::engine {
namespace {

class ChannelOutputStream final : public OutputStream {
 public:
  // The channel's owners: this and the engine's OutputProcessor.
  explicit ChannelOutputStream(std::shared_ptr<OutputChannel> channel)
      : channel_(std::move(channel)) {}
  ~ChannelOutputStream() override { channel_->Cancel(); }

  StatusOr<std::optional<OutputEvent>> Next(std::chrono::milliseconds timeout) override {
    return channel_->Read(timeout);
  }
  void Cancel() override { channel_->Cancel(); }

 private:
  const std::shared_ptr<OutputChannel> channel_;
};

std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// An engine in this process: a queue in front of a StepLoop on its own thread.
class LocalEngine final : public Engine {
 public:
  LocalEngine(LoadedModel model, const EngineOptions& options)
      : model_(std::move(model)),
        max_active_(static_cast<std::size_t>(options.max_sequences) +
                    static_cast<std::size_t>(options.max_queued_requests)),
        constraints_(*model_.tokenizer, model_.config.vocab_size, model_.generation.eos_token_ids),
        loop_(*model_.core),
        load_(loop_.load()),
        thread_([this] { Run(); }) {}

  ~LocalEngine() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  StatusOr<std::unique_ptr<OutputStream>> Submit(Request request) override {
    QUIRE_RETURN_IF_ERROR(
        Validate(request, model_.config.vocab_size, model_.limits.context_tokens));
    QUIRE_RETURN_IF_ERROR(ValidateConstrainedStop(request, *model_.tokenizer));
    QUIRE_ASSIGN_OR_RETURN(auto constraint, constraints_.Compile(request.constraint));
    auto channel = std::make_shared<OutputChannel>();
    QUIRE_RETURN_IF_ERROR(
        Enqueue(NewActiveRequest(std::move(request), std::move(constraint), channel)));
    return std::make_unique<ChannelOutputStream>(std::move(channel));
  }

  const ModelConfig& config() const override { return model_.config; }
  const EngineLimits& limits() const override { return model_.limits; }
  const Tokenizer& tokenizer() const override { return *model_.tokenizer; }
  const ChatTemplate* chat_template() const override { return model_.chat_template.get(); }
  const SamplingParams& default_sampling() const override { return model_.generation.sampling; }

  EngineLoad load() const override {
    const std::lock_guard lock(mutex_);
    EngineLoad load = load_;
    load.num_waiting += static_cast<std::int32_t>(submitted_.size());
    return load;
  }

 private:
  std::unique_ptr<ActiveRequest> NewActiveRequest(Request request,
                                                  std::shared_ptr<const Constraint> constraint,
                                                  std::shared_ptr<OutputChannel> channel) const {
    const std::uint64_t seed = request.sampling.seed.value_or(RandomSeed());
    auto active = std::make_unique<ActiveRequest>();
    active->sequence = MakeSequence(std::move(request), seed);
    active->sequence.sampling =
        MakeSamplingState(active->sequence.request, model_.generation.eos_token_ids,
                          *model_.tokenizer, std::move(constraint));
    active->output = std::make_unique<OutputProcessor>(
        active->sequence.request, model_.generation.eos_token_ids, *model_.tokenizer,
        std::move(channel), StepLoop::Clock::now());
    return active;
  }

  // Hands a request to the loop. Returns RESOURCE_EXHAUSTED if there are too many.
  Status Enqueue(std::unique_ptr<ActiveRequest> request) {
    {
      const std::lock_guard lock(mutex_);
      const std::size_t num_active = num_active_ + submitted_.size();
      if (num_active >= max_active_) {
        return ResourceExhausted("queue: wanted fewer than {} requests at once, have {}",
                                 max_active_, num_active);
      }
      submitted_.push_back(std::move(request));
    }
    wake_.notify_one();
    return OkStatus();
  }

  void Run() {
    while (TakeSubmitted()) {
      loop_.Step();
      Publish();
      loop_.Deliver();
    }
    loop_.FailAll(Cancelled("the engine is shutting down"));
    Publish();
    loop_.Deliver();
  }

  // Waits until there is something to do and gives the loop what was submitted. False to stop.
  bool TakeSubmitted() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !submitted_.empty() || num_active_ > 0; });
    for (auto& request : submitted_) loop_.Add(std::move(request));
    submitted_.clear();
    num_active_ = loop_.num_active();
    load_ = loop_.load();
    return !stopping_;
  }

  void Publish() {
    const std::lock_guard lock(mutex_);
    num_active_ = loop_.num_active();
    load_ = loop_.load();
  }

  LoadedModel model_;
  const std::size_t max_active_;
  ConstraintCompiler constraints_;
  StepLoop loop_;  // engine thread only

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<ActiveRequest>> submitted_;  // guarded by mutex_
  std::size_t num_active_ = 0;                             // guarded by mutex_; in loop_
  EngineLoad load_;                                        // guarded by mutex_
  bool stopping_ = false;                                  // guarded by mutex_

  std::thread thread_;  // last: it uses every other member
};

}  // namespace

StatusOr<std::unique_ptr<Engine>> Engine::Create(const EngineOptions& options,
                                                 kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(LoadedModel model, LoadLanguageModel(options, device));
  return std::make_unique<LocalEngine>(std::move(model), options);
}

}  // namespace quire::engine
