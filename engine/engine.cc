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

// Outputs of one request have different random numbers; the first has those of a single one.
std::uint64_t SeedOf(std::uint64_t seed, std::int32_t output) {
  return seed + static_cast<std::uint64_t>(output) * 0x9e37'79b9'7f4a'7c15u;
}

std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// An engine in this process: a queue in front of a StepLoop on its own thread.
class LocalEngine final : public Engine {
 public:
  LocalEngine(LoadedModel model, const EngineOptions& options, const kernels::Device& device)
      : model_(std::move(model)),
        device_(device),
        max_active_(static_cast<std::size_t>(options.max_sequences) +
                    static_cast<std::size_t>(options.max_queued_requests)),
        constraints_(*model_.tokenizer, model_.config.vocab_size, model_.generation.eos_token_ids),
        max_queued_tokens_(options.max_queued_tokens),
        turns_(options.turns ? options.turns : std::make_shared<ComputeTurns>()),
        loop_(*model_.core, options.slow_readers),
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
    QUIRE_RETURN_IF_ERROR(device_.health());
    QUIRE_RETURN_IF_ERROR(model_.core->transformer().CheckFiles());
    QUIRE_RETURN_IF_ERROR(
        Validate(request, model_.config.vocab_size, model_.limits.context_tokens));
    QUIRE_RETURN_IF_ERROR(ValidateConstrainedStop(request, *model_.tokenizer));
    QUIRE_ASSIGN_OR_RETURN(auto constraint, constraints_.Compile(request.constraint));
    auto channel = std::make_shared<OutputChannel>(request.num_outputs);
    QUIRE_RETURN_IF_ERROR(
        Enqueue(NewActiveRequests(std::move(request), std::move(constraint), channel)));
    return std::make_unique<ChannelOutputStream>(std::move(channel));
  }

  void CancelGroup(const std::string& client, const std::string& group) override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_groups_.emplace_back(client, group);
    }
    wake_.notify_one();
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
  using ActiveRequests = std::vector<std::unique_ptr<ActiveRequest>>;

  ActiveRequests NewActiveRequests(Request request, std::shared_ptr<const Constraint> constraint,
                                   std::shared_ptr<OutputChannel> channel) const {
    const std::uint64_t seed = request.sampling.seed.value_or(RandomSeed());
    const std::vector<TokenId>& eos = model_.generation.eos_token_ids;
    ActiveRequests all;
    for (std::int32_t output = 0; output < request.num_outputs; ++output) {
      auto active = std::make_unique<ActiveRequest>();
      active->sequence = MakeSequence(request, SeedOf(seed, output));
      active->sequence.sampling = MakeSamplingState(request, eos, *model_.tokenizer, constraint);
      active->output =
          std::make_unique<OutputProcessor>(active->sequence.request, output, eos,
                                            *model_.tokenizer, channel, StepLoop::Clock::now());
      all.push_back(std::move(active));
    }
    return all;
  }

  // Hands requests to the loop, all or none. Returns RESOURCE_EXHAUSTED if there are too many, or
  // if they would come too late.
  Status Enqueue(ActiveRequests requests) {
    {
      const std::lock_guard lock(mutex_);
      QUIRE_RETURN_IF_ERROR(CheckRoom(requests));
      for (auto& request : requests) {
        num_submitted_tokens_ += request->sequence.num_tokens();
        submitted_.push_back(std::move(request));
      }
    }
    wake_.notify_one();
    return OkStatus();
  }

  // Under mutex_.
  Status CheckRoom(const ActiveRequests& requests) const {
    const std::size_t num_active = num_active_ + submitted_.size() + requests.size();
    if (num_active > max_active_) {
      return ResourceExhausted("queue: wanted at most {} outputs at once, have {}", max_active_,
                               num_active);
    }
    const Request& request = requests.front()->sequence.request;
    const std::int64_t num_own = requests.front()->sequence.num_tokens();
    const std::int64_t num_tokens = load_.num_backlog_tokens + num_submitted_tokens_ + num_own;
    if (num_tokens > max_queued_tokens_) {
      return ResourceExhausted("queue: wanted at most {} prompt tokens at once, have {}",
                               max_queued_tokens_, num_tokens);
    }
    return CheckDeadline(request.deadline, num_tokens);
  }

  // Refuses what will be late anyway while others wait too: its work would be in vain.
  // `num_prompt_tokens`: its own and those before it. Under mutex_.
  Status CheckDeadline(const std::optional<StepLoop::Clock::time_point>& deadline,
                       std::int64_t num_prompt_tokens) const {
    const bool others_wait = load_.num_waiting > 0 || !submitted_.empty();
    if (!deadline || !others_wait || load_.prompt_tokens_per_s == 0.0) return OkStatus();
    const std::chrono::duration<double> wait(static_cast<double>(num_prompt_tokens) /
                                             load_.prompt_tokens_per_s);
    const std::chrono::duration<double> left = *deadline - StepLoop::Clock::now();
    if (wait <= left) return OkStatus();
    return ResourceExhausted("queue: wanted the first token within {:.3f} s, have {:.3f} s to wait",
                             left.count(), wait.count());
  }

  void Run() {
    bool is_busy = true;
    while (TakeSubmitted(is_busy)) {
      is_busy = ComputeStep();
      Publish();
      loop_.Deliver();
    }
    loop_.FailAll(Cancelled("the engine is shutting down"));
    Publish();
    loop_.Deliver();
    turns_->SetIdle();
  }

  bool ComputeStep() {
    const ComputeTurns::Turn turn = turns_->TakeStep();
    return loop_.Step();
  }

  // Waits until there is something to do and gives the loop what was submitted. False to stop.
  bool TakeSubmitted(bool is_busy) {
    std::unique_lock lock(mutex_);
    if (!is_busy || num_active_ == 0) turns_->SetIdle();
    // Where every reader is slow there is nothing to compute, and nobody tells when one reads.
    if (!is_busy && num_active_ > 0) wake_.wait_for(lock, kSlowReaderPoll);
    wake_.wait(lock, [this] {
      return stopping_ || !submitted_.empty() || num_active_ > 0 || !cancelled_groups_.empty();
    });
    for (auto& request : submitted_) loop_.Add(std::move(request));
    submitted_.clear();
    num_submitted_tokens_ = 0;
    for (const auto& [client, group] : cancelled_groups_) loop_.CancelGroup(client, group);
    cancelled_groups_.clear();
    TakeLoad();
    return !stopping_;
  }

  void Publish() {
    const std::lock_guard lock(mutex_);
    TakeLoad();
  }

  // Under mutex_.
  void TakeLoad() {
    num_active_ = loop_.num_active();
    load_ = loop_.load();
  }

  LoadedModel model_;
  const kernels::Device& device_;
  static constexpr std::chrono::milliseconds kSlowReaderPoll{5};

  const std::size_t max_active_;
  ConstraintCompiler constraints_;
  const std::int64_t max_queued_tokens_;
  const std::shared_ptr<ComputeTurns> turns_;
  StepLoop loop_;  // engine thread only

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<ActiveRequest>> submitted_;              // guarded by mutex_
  std::vector<std::pair<std::string, std::string>> cancelled_groups_;  // guarded by mutex_
  std::size_t num_active_ = 0;             // guarded by mutex_; in loop_
  std::int64_t num_submitted_tokens_ = 0;  // guarded by mutex_; in submitted_
  EngineLoad load_;                        // guarded by mutex_
  bool stopping_ = false;                  // guarded by mutex_

  std::thread thread_;  // last: it uses every other member
};

}  // namespace

StatusOr<std::unique_ptr<Engine>> Engine::Create(const EngineOptions& options,
                                                 kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(LoadedModel model, LoadLanguageModel(options, device));
  return std::make_unique<LocalEngine>(std::move(model), options, device);
}

}  // namespace quire::engine
