#include "services/cli/sampling_options.h"

#include <fmt/format.h>

namespace quire::services::cli {
namespace {

// Why not more of the prompt was cached; empty if all of it was.
std::string MissText(const inference::v1::Usage& usage) {
  switch (usage.prefix_miss()) {
    case inference::v1::PREFIX_MISS_UNSEEN:
      return "; nothing begins like it";
    case inference::v1::PREFIX_MISS_DIFFERS:
      return fmt::format("; differs from token {} on", usage.prefix_differs_at());
    case inference::v1::PREFIX_MISS_EVICTED:
      return "; the rest was evicted";
    case inference::v1::PREFIX_MISS_OTHER_SALT:
      return "; computed under another cache salt";
    default:
      return "";
  }
}

}  // namespace

void AddSamplingOptions(CLI::App& app, SamplingOptions& options) {
  app.add_option("--max-tokens", options.max_tokens, "Most tokens to generate; default 256");
  app.add_option("--temperature", options.temperature, "0 takes the most likely token each time");
  app.add_option("--top-k", options.top_k, "Only the k most likely tokens; 0: no limit");
  app.add_option("--top-p", options.top_p, "Nucleus mass in (0, 1]");
  app.add_option("--min-p", options.min_p, "Least share of the most likely token, in [0, 1]");
  app.add_option("--seed", options.seed, "Same seed, same tokens");
  app.add_option("--stop", options.stop, "End the output before this string; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--prompt-lookup", options.prompt_lookup,
                 "Tokens guessed ahead per step from what prompt and output repeat; same output, "
                 "sooner where it quotes")
      ->check(CLI::Range(0, 16));
  app.add_flag("--ignore-eos", options.ignore_eos, "Go on past the end-of-sequence token");
}

inference::v1::SamplingParams ToSamplingParams(const SamplingOptions& options) {
  inference::v1::SamplingParams params;
  if (options.temperature) params.set_temperature(*options.temperature);
  if (options.top_k) params.set_top_k(*options.top_k);
  if (options.top_p) params.set_top_p(*options.top_p);
  if (options.min_p) params.set_min_p(*options.min_p);
  if (options.seed) params.set_seed(*options.seed);
  return params;
}

inference::v1::StoppingCriteria ToStoppingCriteria(const SamplingOptions& options) {
  inference::v1::StoppingCriteria criteria;
  if (options.max_tokens) criteria.set_max_tokens(*options.max_tokens);
  for (const std::string& stop : options.stop) criteria.add_stop(stop);
  criteria.set_ignore_eos(options.ignore_eos);
  return criteria;
}

std::string FormatUsage(const inference::v1::Usage& usage) {
  // The first token comes out of the prefill, so decoding makes one less.
  const int decoded = usage.completion_tokens() - 1;
  const double tokens_per_s =
      decoded > 0 && usage.decode_ms() > 0 ? decoded / usage.decode_ms() * 1000 : 0;
  std::string text = fmt::format(
      "{} prompt tokens ({} cached{}), {} tokens, first after {:.0f} ms, {:.1f} tokens/s",
      usage.prompt_tokens(), usage.cached_tokens(), MissText(usage), usage.completion_tokens(),
      usage.queue_ms() + usage.prefill_ms(), tokens_per_s);
  if (usage.draft_tokens() > 0) {
    text += fmt::format(", {} of {} guesses right", usage.accepted_draft_tokens(),
                        usage.draft_tokens());
  }
  return text;
}

}  // namespace quire::services::cli
