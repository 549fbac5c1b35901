#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_core.h"
#include "engine/model/random_weights.h"
#include "engine/model/shapes.h"
#include "engine/sampling/philox.h"
#include "tests/bench/forced_quotes.h"
#include "tests/bench/value_or_die.h"

// What scheduler, KV cache and guesses are worth on a model of a real shape with random weights:
// streams side by side, shared prefixes, a short prompt beside a long one, prompt lookup. Every
// figure is a ratio of medians of one run, turn by turn.
// Run: scheduling_bench [SHAPE [ROUNDS [PART...]]]; default qwen2.5-0.5b, 3, and all parts:
// streams, prefixes, pieces, beside, guesses. beside=N takes N for the crossover of attention
// (StepBudget): right is what makes steps take about as long at every position.

namespace quire::engine {
namespace {

using Clock = std::chrono::steady_clock;
using kernels::ValueOrDie;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Timing {
  double total_s = 0.0;
  std::vector<double> first_token_s;  // by request, from its submission
};

class Core {
 public:
  Core(const ModelConfig& config, kernels::Device& device, const SchedulerLimits& limits,
       std::int32_t num_blocks) {
    auto transformer = ValueOrDie(Transformer::Load(
        config, RandomWeights(1), {.max_batch_tokens = limits.max_batch_tokens}, device));
    core_ = ValueOrDie(EngineCore::Create(std::move(transformer),
                                          {.num_blocks = num_blocks, .limits = limits}, device));
  }

  Sequence& Add(Request request) {
    sequences_.push_back(std::make_unique<Sequence>(MakeSequence(std::move(request), 0)));
    if (constraint_ != nullptr) {
      sequences_.back()->sampling.matcher.emplace(constraint_, /*strips_leading_space=*/false);
    }
    if (!core_->Add(*sequences_.back()).ok()) std::abort();
    return *sequences_.back();
  }

  // What the requests that are added from now on may answer; null: anything.
  void Constrain(std::shared_ptr<const Constraint> constraint) {
    constraint_ = std::move(constraint);
  }

  // One step; what is finished leaves.
  void Step() {
    for (const StepResult& result : ValueOrDie(core_->Step())) {
      Sequence& sequence = *result.sequence;
      num_draft_ += result.num_draft;
      num_accepted_ +=
          result.num_draft > 0 ? static_cast<std::int64_t>(result.tokens.size()) - 1 : 0;
      if (sequence.num_output_tokens() >= sequence.request.max_new_tokens) core_->Remove(sequence);
    }
  }

  void Remove(Sequence& sequence) { core_->Remove(sequence); }

  // Runs requests that come at once to their end.
  Timing Run(const std::vector<Request>& requests) {
    sequences_.clear();
    Timing timing;
    timing.first_token_s.assign(requests.size(), 0.0);
    const Clock::time_point begin = Clock::now();
    for (const Request& request : requests) Add(request);
    while (!core_->scheduler().is_idle()) {
      Step();
      for (std::size_t i = 0; i < requests.size(); ++i) {
        if (timing.first_token_s[i] == 0.0 && sequences_[i]->num_output_tokens() > 0) {
          timing.first_token_s[i] = SecondsSince(begin);
        }
      }
    }
    timing.total_s = SecondsSince(begin);
    return timing;
  }

  const EngineCore& core() const { return *core_; }
  double acceptance() const {
    return num_draft_ == 0 ? 0.0
                           : static_cast<double>(num_accepted_) / static_cast<double>(num_draft_);
  }

 private:
  std::unique_ptr<EngineCore> core_;
  std::shared_ptr<const Constraint> constraint_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::int64_t num_draft_ = 0;
  std::int64_t num_accepted_ = 0;
};

class Bench {
 public:
  Bench(const std::string& shape, int rounds)
      : config_(ValueOrDie(FindModelShape(shape))),
        device_(std::move(kernels::EnumerateDevices().front())),
        rounds_(rounds) {
    std::printf("%s, random bf16 weights, %s, %d rounds\n", shape.c_str(),
                std::string(device_->name()).c_str(), rounds);
  }

  void Streams() {
    Core core(config_, *device_, Limits(), 1024);
    std::vector<double> one;
    std::vector<double> eight;
    for (int round = 0; round < rounds_; ++round) {
      one.push_back(DecodeSpeed(core, 1));
      eight.push_back(DecodeSpeed(core, 8));
    }
    std::printf("decode tokens/s, 1 stream %.1f, 8 streams %.1f: %.2f x\n", Median(one),
                Median(eight), Median(eight) / Median(one));
  }

  void Prefixes() {
    PrefixCache({.num_shared = 576, .num_tokens = 640, .num_requests = 8}, rounds_);
    PrefixCache({.num_shared = 0, .num_tokens = 256, .num_requests = 4}, 3 * rounds_);
  }

  // Speed of a prompt by the tokens of a step.
  void Pieces() {
    constexpr std::int32_t kPrompt = 512;
    for (const std::int32_t max_batch_tokens : {512, 256, 192, 128, 64}) {
      Core core(config_, *device_, {.max_batch_tokens = max_batch_tokens, .prefix_cache = false},
                64);
      std::vector<double> seconds;
      for (int round = 0; round < rounds_; ++round) {
        seconds.push_back(core.Run({RandomRequest(round, kPrompt, 1)}).total_s);
      }
      std::printf("prompt of %d in pieces of %d: %.1f tokens/s\n", kPrompt, max_batch_tokens,
                  kPrompt / Median(seconds));
    }
  }

  // First token of a short prompt while a long one is computed, over that on an idle engine. The
  // short one comes at a random moment of a step.
  void ShortBesideLong(std::int32_t crossover) {
    constexpr std::int32_t kShort = 200;
    constexpr std::int32_t kLong = 32'000;
    ModelConfig config = config_;
    config.max_position_embeddings = std::max(config.max_position_embeddings, kLong + 2);
    SchedulerLimits limits = Limits();
    limits.prefix_cache = false;
    limits.attention_crossover = crossover > 0 ? crossover : AttentionCrossover(config);
    Core core(config, *device_, limits, 2100);
    for (const std::int32_t position : {0, 8'000, 16'000, 30'000}) {
      std::vector<double> idle;
      std::vector<double> busy;
      std::vector<double> steps;
      for (int round = 0; round < 3 * rounds_; ++round) {
        idle.push_back(core.Run({RandomRequest(100 + round, kShort, 1)}).first_token_s[0]);
        const Beside beside = FirstTokenBeside(core, position, round, kLong, kShort);
        busy.push_back(beside.first_token_s);
        steps.push_back(beside.step_s);
      }
      const double worst = *std::max_element(busy.begin(), busy.end());
      std::printf(
          "first token of %d tokens beside a prompt of %d at position %d: %.2f x idle (worst %.2f "
          "x, idle %.0f ms, a step of the long one %.0f ms)\n",
          kShort, kLong, position, Median(busy) / Median(idle), worst / Median(idle),
          Median(idle) * 1000, Median(steps) * 1000);
    }
  }

  void Guesses() {
    SchedulerLimits limits = Limits();
    limits.prefix_cache = false;
    Core core(config_, *device_, limits, 1024);
    ForcedQuotes quotes(config_.vocab_size);
    Compare(core, "an output that quotes its prompt", [&](int round) {
      ForcedQuotes::Answer answer = quotes.Make(static_cast<std::uint64_t>(round));
      core.Constrain(std::move(answer.constraint));
      return answer.request;
    });
    core.Constrain(nullptr);
    Compare(core, "an output that repeats itself", [](int round) {
      // Greedy decoding with random weights soon runs in circles.
      return RandomRequest(round, 64, 160);
    });
    Compare(core, "an output without repetition", [](int round) {
      Request request = RandomRequest(round, 64, 64);
      request.sampling = {.temperature = 5.0f, .seed = 5};
      // A prompt full of patterns whose continuations are wrong.
      for (std::size_t i = 3; i < request.prompt.size(); ++i) {
        if (i % 4 != 3) request.prompt[i] = request.prompt[i % 4];
      }
      return request;
    });
  }

 private:
  SchedulerLimits Limits() const { return {.max_batch_tokens = device_->efficient_batch_tokens()}; }

  static Request RandomRequest(int seed, std::int32_t prompt_tokens, std::int32_t new_tokens) {
    Request request;
    for (std::int32_t i = 0; i < prompt_tokens; ++i) {
      const double uniform =
          UniformAt(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(i));
      request.prompt.push_back(static_cast<TokenId>(uniform * 30'000));
    }
    request.max_new_tokens = new_tokens;
    return request;
  }

  struct Prompts {
    std::int32_t num_shared = 0;  // tokens at the beginning that are the same in all
    std::int32_t num_tokens = 0;
    int num_requests = 0;
  };

  // With and without the cache: requests that come at once, then one more question about the same
  // document. In turns, each as often first.
  void PrefixCache(const Prompts& prompts, int rounds) {
    SchedulerLimits limits = Limits();
    Core on(config_, *device_, limits, 1024);
    limits.prefix_cache = false;
    Core off(config_, *device_, limits, 1024);
    std::vector<double> speedups;
    std::vector<double> waits;
    for (int round = 0; round < rounds; ++round) {
      Timing together[2];
      Timing late[2];
      const std::vector<Request> requests = SharedPrompts(round, prompts, prompts.num_requests);
      const Request last = SharedPrompts(round, prompts, prompts.num_requests + 1).back();
      for (const int which : {round % 2, 1 - round % 2}) {
        Core& core = which == 0 ? off : on;
        together[which] = core.Run(requests);
        late[which] = core.Run({last});
      }
      speedups.push_back(together[0].total_s / together[1].total_s);
      waits.push_back(late[1].first_token_s[0] / late[0].first_token_s[0]);
    }
    std::printf(
        "%d of %d prompt tokens shared by %d requests: throughput %.2f x of cache off; another "
        "request's first token after %.3f of its time\n",
        prompts.num_shared, prompts.num_tokens, prompts.num_requests, Median(speedups),
        Median(waits));
  }

  static std::vector<Request> SharedPrompts(int round, const Prompts& prompts, int count) {
    const Request shared = RandomRequest(1'000 + round, prompts.num_shared, 16);
    std::vector<Request> requests;
    for (int i = 0; i < count; ++i) {
      Request request = shared;
      const Request own =
          RandomRequest(10'000 + 100 * round + i, prompts.num_tokens - prompts.num_shared, 16);
      request.prompt.insert(request.prompt.end(), own.prompt.begin(), own.prompt.end());
      requests.push_back(std::move(request));
    }
    return requests;
  }

  static double DecodeSpeed(Core& core, int streams) {
    constexpr std::int32_t kNewTokens = 33;
    std::vector<Request> requests;
    for (int i = 0; i < streams; ++i) requests.push_back(RandomRequest(i, 32, kNewTokens));
    const Timing timing = core.Run(requests);
    const double last_first =
        *std::max_element(timing.first_token_s.begin(), timing.first_token_s.end());
    // Decoding begins for good when every stream has its first token.
    return streams * (kNewTokens - 1) / (timing.total_s - last_first);
  }

  struct Beside {
    double first_token_s = 0.0;  // of the short prompt
    double step_s = 0.0;         // of the long one alone
  };

  // The long prompt counts as computed up to `position`: what its blocks hold makes no difference
  // to the time.
  static Beside FirstTokenBeside(Core& core, std::int32_t position, int round,
                                 std::int32_t num_long, std::int32_t num_short) {
    Sequence& running = core.Add(RandomRequest(7, num_long, 1));
    core.Step();
    running.num_computed = std::max(running.num_computed, position);
    core.Step();
    const Clock::time_point begin = Clock::now();
    core.Step();
    const double step_s = SecondsSince(begin);
    const double moment = UniformAt(99, static_cast<std::uint64_t>(round));
    const Clock::time_point added = Clock::now();
    Sequence& sequence = core.Add(RandomRequest(200 + round, num_short, 1));
    while (sequence.num_output_tokens() == 0) core.Step();
    const double first_s = SecondsSince(added);
    core.Remove(running);
    return {.first_token_s = first_s + (1.0 - moment) * step_s, .step_s = step_s};
  }

  void Compare(Core& core, const char* what, const std::function<Request(int)>& make) {
    std::vector<double> plain;
    std::vector<double> guessed;
    for (int round = 0; round < rounds_; ++round) {
      Request request = make(round);
      const auto decode_s = [](const Timing& t) { return t.total_s - t.first_token_s[0]; };
      plain.push_back(decode_s(core.Run({request})));
      request.max_draft_tokens = 8;
      guessed.push_back(decode_s(core.Run({request})));
    }
    std::printf("prompt lookup of 8, %s: %.2f x (%.0f %% of guesses right so far)\n", what,
                Median(plain) / Median(guessed), core.acceptance() * 100);
  }

  const ModelConfig config_;
  const std::unique_ptr<kernels::Device> device_;
  const int rounds_;
};

}  // namespace
}  // namespace quire::engine

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string shape = argc > 1 ? argv[1] : "qwen2.5-0.5b";
  quire::engine::Bench bench(shape, argc > 2 ? std::atoi(argv[2]) : 3);
  const auto wants = [&](const std::string& part) {
    return argc <= 3 || std::find(argv + 3, argv + argc, part) != argv + argc;
  };
  if (wants("streams")) bench.Streams();
  if (wants("prefixes")) bench.Prefixes();
  if (wants("pieces")) bench.Pieces();
  for (int i = 3; i < argc; ++i) {
    if (std::strncmp(argv[i], "beside=", 7) == 0) bench.ShortBesideLong(std::atoi(argv[i] + 7));
  }
  if (wants("beside")) bench.ShortBesideLong(0);
  if (wants("guesses")) bench.Guesses();
  return 0;
}
