#include "services/cli/sampling_options.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/mapped_file.h"
#include "engine/request_validation.h"

namespace quire::services::cli {
namespace {

// The service takes less; this only keeps a wrong path from filling the memory.
constexpr std::size_t kMaxSchemaFileBytes = std::size_t{1} << 20;

void AddPenaltyOptions(CLI::App& app, SamplingOptions& options) {
  app.add_option("--repetition-penalty", options.repetition_penalty,
                 "Above 1 makes tokens of prompt and output less likely");
  app.add_option("--presence-penalty", options.presence_penalty,
                 "Taken from the logit of each token of the output, in [-2, 2]");
  app.add_option("--frequency-penalty", options.frequency_penalty,
                 "The same for each of its occurrences, in [-2, 2]");
  app.add_option("--logit-bias", options.logit_bias,
                 "Added to the logit of a token, in [-100, 100]; may be repeated")
      ->type_name("ID:BIAS")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return ParseLogitBias(text) ? "" : "wanted ID:BIAS, have " + text;
      });
}

void AddConstraintOptions(CLI::App& app, SamplingOptions& options) {
  auto* schema = app.add_option("--json-schema", options.json_schema_file,
                                "The output is JSON of the schema in this file");
  schema->type_name("FILE");
  auto* regex = app.add_option("--regex", options.regex, "The output matches this expression");
  regex->type_name("REGEX")->excludes(schema);
  app.add_option("--choice", options.choices,
                 "The output is this string, or that of another --choice")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->excludes(schema)
      ->excludes(regex);
}

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
  app.add_option("--min-tokens", options.min_tokens, "Fewest tokens before the output may end");
  app.add_option("--temperature", options.temperature, "0 takes the most likely token each time");
  app.add_option("--top-k", options.top_k, "Only the k most likely tokens; 0: no limit");
  app.add_option("--top-p", options.top_p, "Nucleus mass in (0, 1]");
  app.add_option("--min-p", options.min_p, "Least share of the most likely token, in [0, 1]");
  app.add_option("--typical-p", options.typical_p,
                 "Mass in (0, 1] of the tokens as surprising as expected");
  AddPenaltyOptions(app, options);
  app.add_option("--seed", options.seed, "Same seed, same tokens");
  app.add_option("--stop", options.stop, "End the output before this string; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--stop-token-id", options.stop_token_ids,
                 "End the output with this token; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  app.add_option("--prompt-lookup", options.prompt_lookup,
                 "Tokens guessed ahead per step from what prompt and output repeat; same output, "
                 "sooner where it quotes")
      ->check(CLI::Range(0, engine::kMaxDraftTokens));
  app.add_flag("--ignore-eos", options.ignore_eos, "Go on past the end-of-sequence token");
  AddConstraintOptions(app, options);
}

std::optional<std::pair<std::int32_t, float>> ParseLogitBias(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::int32_t id = 0;
  const auto [colon, id_error] = std::from_chars(text.data(), end, id);
  if (id_error != std::errc() || id < 0 || colon == end || *colon != ':') return std::nullopt;
  float bias = 0.0f;
  const auto [rest, bias_error] = std::from_chars(colon + 1, end, bias);
  if (bias_error != std::errc() || rest != end) return std::nullopt;
  return std::pair(id, bias);
}

inference::v1::SamplingParams ToSamplingParams(const SamplingOptions& options) {
  inference::v1::SamplingParams params;
  if (options.temperature) params.set_temperature(*options.temperature);
  if (options.top_k) params.set_top_k(*options.top_k);
  if (options.top_p) params.set_top_p(*options.top_p);
  if (options.min_p) params.set_min_p(*options.min_p);
  if (options.typical_p) params.set_typical_p(*options.typical_p);
  if (options.repetition_penalty) params.set_repetition_penalty(*options.repetition_penalty);
  if (options.presence_penalty) params.set_presence_penalty(*options.presence_penalty);
  if (options.frequency_penalty) params.set_frequency_penalty(*options.frequency_penalty);
  for (const std::string& text : options.logit_bias) {
    if (const auto bias = ParseLogitBias(text)) {
      (*params.mutable_logit_bias())[bias->first] = bias->second;
    }
  }
  if (options.seed) params.set_seed(*options.seed);
  return params;
}

inference::v1::StoppingCriteria ToStoppingCriteria(const SamplingOptions& options) {
  inference::v1::StoppingCriteria criteria;
  if (options.max_tokens) criteria.set_max_tokens(*options.max_tokens);
  criteria.set_min_tokens(options.min_tokens);
  for (const std::string& stop : options.stop) criteria.add_stop(stop);
  for (const std::int32_t id : options.stop_token_ids) criteria.add_stop_token_ids(id);
  criteria.set_ignore_eos(options.ignore_eos);
  return criteria;
}

StatusOr<std::optional<inference::v1::Constraint>> ToConstraint(const SamplingOptions& options) {
  inference::v1::Constraint constraint;
  if (!options.json_schema_file.empty()) {
    QUIRE_ASSIGN_OR_RETURN(*constraint.mutable_json_schema(),
                           ReadFile(options.json_schema_file, kMaxSchemaFileBytes));
  } else if (!options.regex.empty()) {
    constraint.set_regex(options.regex);
  } else if (!options.choices.empty()) {
    for (const std::string& text : options.choices) {
      constraint.mutable_choice()->add_choices(text);
    }
  } else {
    return std::optional<inference::v1::Constraint>();
  }
  return std::optional(std::move(constraint));
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
