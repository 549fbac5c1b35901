#include "engine/model/rope_config.h"

#include <array>
#include <cmath>
#include <string>

#include "engine/model/config_fields.h"

namespace quire::engine {
namespace {

using Kind = RopeScaling::Kind;

constexpr double kMaxFactor = 1e6;
constexpr double kMinFactor = 1e-3;
constexpr const char* kParameterKeys[] = {"rope_scaling", "rope_parameters"};
constexpr char kOriginalContextKey[] = "original_max_position_embeddings";

struct NamedKind {
  std::string_view name;
  Kind kind;
};
constexpr std::array kKinds = {
    NamedKind{"default", Kind::kNone},    NamedKind{"linear", Kind::kLinear},
    NamedKind{"dynamic", Kind::kDynamic}, NamedKind{"yarn", Kind::kYarn},
    NamedKind{"llama3", Kind::kLlama3},   NamedKind{"longrope", Kind::kLongRope},
    NamedKind{"su", Kind::kLongRope}};  // what longrope was called at first

void ReadKind(JsonFields& parameters, RopeScaling& rope) {
  std::string type = "default";
  parameters.Read("type", type);  // the older key
  parameters.Read("rope_type", type);
  // Early Phi-3 files call longrope so.
  if (type == "yarn" && parameters.Find("short_factor") != nullptr) type = "longrope";
  for (const NamedKind& known : kKinds) {
    if (known.name != type) continue;
    rope.kind = known.kind;
    return;
  }
  parameters.Fail(Unimplemented(
      "{}: rope_type: wanted default, linear, dynamic, yarn, llama3 or longrope, have \"{}\"",
      parameters.where(), type));
}

void RequireFactor(JsonFields& parameters, RopeScaling& rope) {
  if (parameters.Find("factor") == nullptr) return parameters.Fail("factor", "a number");
  parameters.Read("factor", rope.factor, 1.0, kMaxFactor);
}

void ReadLlama3(JsonFields& parameters, RopeScaling& rope) {
  RequireFactor(parameters, rope);
  parameters.Read("low_freq_factor", rope.low_freq_factor, kMinFactor, kMaxFactor);
  parameters.Read("high_freq_factor", rope.high_freq_factor, kMinFactor, kMaxFactor);
  if (rope.original_context_tokens == 0) rope.original_context_tokens = 8192;
  if (!(rope.high_freq_factor > rope.low_freq_factor)) {
    parameters.Fail("high_freq_factor",
                    fmt::format("a number above low_freq_factor {}", rope.low_freq_factor));
  }
}

// 0.1 m ln(s) + 1. Source: Peng et al. 2023, "YaRN", eq. 22; m is DeepSeek's.
double YarnScale(double factor, double mscale) { return 0.1 * mscale * std::log(factor) + 1.0; }

void ReadYarn(JsonFields& parameters, ModelConfig& config) {
  RopeScaling& rope = config.rope_scaling;
  RequireFactor(parameters, rope);
  parameters.Read("beta_fast", rope.beta_fast, kMinFactor, kMaxFactor);
  parameters.Read("beta_slow", rope.beta_slow, kMinFactor, kMaxFactor);
  parameters.Read("truncate", rope.truncate);
  double mscale = 0;
  double mscale_all_dim = 0;
  parameters.Read("mscale", mscale, 0.0, kMaxFactor);
  parameters.Read("mscale_all_dim", mscale_all_dim, 0.0, kMaxFactor);
  rope.attention_factor = YarnScale(rope.factor, 1.0);
  if (mscale > 0 && mscale_all_dim > 0) {
    rope.attention_factor = YarnScale(rope.factor, mscale) / YarnScale(rope.factor, mscale_all_dim);
  }
  parameters.Read("attention_factor", rope.attention_factor, kMinFactor, kMaxFactor);
  if (rope.original_context_tokens == 0) {
    rope.original_context_tokens = config.max_position_embeddings;
  }
  if (!(config.rope_theta > 1.0)) {
    parameters.Fail(InvalidArgument("{}: rope_theta: wanted a number above 1 for yarn, have {}",
                                    parameters.where(), config.rope_theta));
  }
}

void ReadFactors(JsonFields& parameters, const char* key, std::int32_t rotary_dim,
                 std::vector<float>& factors) {
  parameters.Read(key, factors, kMinFactor, kMaxFactor);
  if (factors.size() != static_cast<std::size_t>(rotary_dim / 2)) {
    parameters.Fail(key, fmt::format("a list of {} numbers", rotary_dim / 2));
  }
}

// `original_is_outside`: the original context stands beside the parameters, as Phi-3 has it; then
// the factor is what it was extended by.
void ReadLongRope(JsonFields& parameters, bool original_is_outside, ModelConfig& config) {
  RopeScaling& rope = config.rope_scaling;
  ReadFactors(parameters, "short_factor", config.rotary_dim, rope.short_factors);
  ReadFactors(parameters, "long_factor", config.rotary_dim, rope.long_factors);
  if (rope.original_context_tokens == 0) {
    rope.original_context_tokens = config.max_position_embeddings;
  }
  if (rope.original_context_tokens < 2) {
    return parameters.Fail(InvalidArgument("{}: {}: wanted at least 2, have {}", parameters.where(),
                                           kOriginalContextKey, rope.original_context_tokens));
  }
  rope.factor = static_cast<double>(config.max_position_embeddings) / rope.original_context_tokens;
  if (!original_is_outside) parameters.Read("factor", rope.factor, kMinFactor, kMaxFactor);
  // Source: Ding et al. 2024, "LongRoPE", as transformers has it.
  if (rope.factor > 1.0) {
    rope.attention_factor =
        std::sqrt(1.0 + std::log(rope.factor) / std::log(rope.original_context_tokens));
  }
  parameters.Read("attention_factor", rope.attention_factor, kMinFactor, kMaxFactor);
}

// The elements of a head that turn: partial_rotary_factor of them, rounded down as transformers
// does.
void ReadRotaryDim(JsonFields& fields, ModelConfig& config) {
  double share = 1.0;
  fields.Read("partial_rotary_factor", share, 0.0, 1.0);
  for (const char* key : kParameterKeys) {
    std::optional<JsonFields> parameters = fields.Object(key);
    if (!parameters) continue;
    parameters->Read("partial_rotary_factor", share, 0.0, 1.0);
    fields.Fail(parameters->status());
  }
  config.rotary_dim = static_cast<std::int32_t>(share * config.head_dim);
  if (config.rotary_dim < 2 || config.rotary_dim % 2 != 0) {
    fields.Fail(InvalidArgument(
        "{}: partial_rotary_factor: wanted an even number of the {} elements of a head, have {}",
        fields.where(), config.head_dim, config.rotary_dim));
  }
}

}  // namespace

void ReadRopeParameters(JsonFields& parameters, ModelConfig& config) {
  RopeScaling& rope = config.rope_scaling;
  const bool original_is_outside = rope.original_context_tokens != 0;
  parameters.Read("rope_theta", config.rope_theta, 1.0, kMaxRopeTheta);
  parameters.Read(kOriginalContextKey, rope.original_context_tokens, 1, kMaxPositions);
  ReadKind(parameters, rope);
  if (!parameters.status().ok()) return;
  switch (rope.kind) {
    case Kind::kNone:
      return;
    case Kind::kLinear:
      return RequireFactor(parameters, rope);
    case Kind::kDynamic:
      RequireFactor(parameters, rope);
      if (config.rotary_dim < 4) {
        parameters.Fail(InvalidArgument("{}: rope_type: wanted at least 4 rotary elements, have {}",
                                        parameters.where(), config.rotary_dim));
      }
      return;
    case Kind::kYarn:
      return ReadYarn(parameters, config);
    case Kind::kLlama3:
      return ReadLlama3(parameters, rope);
    case Kind::kLongRope:
      return ReadLongRope(parameters, original_is_outside, config);
  }
}

void ReadRope(JsonFields& fields, ModelConfig& config) {
  fields.Read("rope_theta", config.rope_theta, 1.0, kMaxRopeTheta);
  fields.Read(kOriginalContextKey, config.rope_scaling.original_context_tokens, 1, kMaxPositions);
  ReadRotaryDim(fields, config);
  if (!fields.status().ok()) return;
  for (const char* key : kParameterKeys) {
    std::optional<JsonFields> parameters = fields.Object(key);
    if (!parameters) continue;
    ReadRopeParameters(*parameters, config);
    fields.Fail(parameters->status());
  }
}

}  // namespace quire::engine
