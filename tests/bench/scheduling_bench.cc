#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_core.h"
#include "engine/model/random_weights.h"
#include "engine/model/shapes.h"
#include "engine/sampling/philox.h"
#include "tests/bench/value_or_die.h"

// What scheduler, KV cache and guesses are worth on a model of a real shape with random weights:
// streams side by side, shared prefixes, a short prompt beside a long one, prompt lookup. Every
// figure is a ratio of medians of one run, turn by turn.
// Run: scheduling_bench [SHAPE [ROUNDS]]; default qwen2.5-0.5b and 3.

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
    if (!core_->Add(*sequences_.back()).ok()) std::abort();
    return *sequences_.back();
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
    Core core(config_, *device_, {}, 1024);
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
    constexpr std::int32_t kPrompt = 320;
    for (const std::int32_t num_shared : {288, 0}) {
      Core on(config_, *device_, {.prefix_cache = true}, 1024);
      Core off(config_, *device_, {.prefix_cache = false}, 1024);
      std::vector<double> total_on;
      std::vector<double> total_off;
      std::vector<double> first_on;
      std::vector<double> first_off;
      for (int round = 0; round < rounds_; ++round) {
        const auto requests = SharedPrompts(round, num_shared, kPrompt, /*count=*/6);
        total_on.push_back(on.Run(requests).total_s);
        total_off.push_back(off.Run(requests).total_s);
        // One more question about the same document.
        const auto late = SharedPrompts(round, num_shared, kPrompt, /*count=*/7);
        first_on.push_back(on.Run({late.back()}).first_token_s[0]);
        first_off.push_back(off.Run({late.back()}).first_token_s[0]);
      }
      std::printf(
          "%d of %d prompt tokens shared by 6 requests: throughput %.2f x of cache off; another "
          "request's first token after %.3f of its time (%.0f ms)\n",
          num_shared, kPrompt, Median(total_off) / Median(total_on),
          Median(first_on) / Median(first_off), Median(first_on) * 1000);
    }
  }

  // First token of a short prompt while a long one is computed, over that on an idle engine. The
  // short one comes at a random moment of a step.
  void ShortBesideLong() {
    constexpr std::int32_t kShort = 200;
    constexpr std::int32_t kLong = 32'000;
    ModelConfig config = config_;
    config.max_position_embeddings = std::max(config.max_position_embeddings, kLong + 2);
    Core core(config, *device_,
              {.prefix_cache = false, .attention_crossover = AttentionCrossover(config)}, 2100);
    std::vector<double> idle;
    for (int round = 0; round < rounds_; ++round) {
      idle.push_back(core.Run({RandomRequest(100 + round, kShort, 1)}).first_token_s[0]);
    }
    for (const std::int32_t position : {0, 8'000, 16'000, 30'000}) {
      std::vector<double> busy;
      for (int round = 0; round < 3 * rounds_; ++round) {
        busy.push_back(FirstTokenBeside(core, position, round, kLong, kShort));
      }
      const double worst = *std::max_element(busy.begin(), busy.end());
      std::printf(
          "first token of %d tokens beside a prompt of %d at position %d: %.2f x idle (worst %.2f "
          "x, idle %.0f ms)\n",
          kShort, kLong, position, Median(busy) / Median(idle), worst / Median(idle),
          Median(idle) * 1000);
    }
  }

  void Guesses() {
    Core core(config_, *device_, {.prefix_cache = false}, 1024);
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

  static std::vector<Request> SharedPrompts(int round, std::int32_t num_shared,
                                            std::int32_t num_tokens, int count) {
    const Request shared = RandomRequest(1'000 + round, num_shared, 16);
    std::vector<Request> requests;
    for (int i = 0; i < count; ++i) {
      Request request = shared;
      const Request own = RandomRequest(10'000 + 100 * round + i, num_tokens - num_shared, 16);
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

  // The long prompt counts as computed up to `position`: what its blocks hold makes no difference
  // to the time.
  static double FirstTokenBeside(Core& core, std::int32_t position, int round,
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
    return first_s + (1.0 - moment) * step_s;
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
  bench.Streams();
  bench.Prefixes();
  bench.ShortBesideLong();
  bench.Guesses();
  return 0;
}
