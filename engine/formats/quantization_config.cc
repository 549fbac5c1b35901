#include "engine/formats/quantization_config.h"

#include <algorithm>
#include <cctype>

#include "engine/tokenizer/regex_pattern.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kMaxGroupSize = 1 << 20;
constexpr std::size_t kMaxRules = 256;
constexpr double kMaxThreshold = 1e6;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void ReadGroupSize(JsonFields& fields, const char* key, std::int32_t& group_size) {
  fields.Read(key, group_size, -1, kMaxGroupSize);
  if (group_size == 0) fields.Fail(key, "-1 or a positive number");
}

void ReadBits(JsonFields& fields, const char* key, std::int32_t& bits) {
  fields.Read(key, bits, 1, 64);
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
    fields.Fail(Unimplemented("{}: {}: wanted 2, 3, 4 or 8, have {}", fields.where(), key, bits));
  }
}

// The first field there is of two names for one thing.
const char* FirstKey(const JsonFields& fields, const char* key, const char* other) {
  return fields.Find(key) != nullptr ? key : other;
}

// Fails unless `value` is one of `known`.
void RequireOneOf(JsonFields& fields, const char* key, const std::string& value,
                  std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  fields.Fail(Unimplemented("{}: {}: wanted {}, have \"{}\"", fields.where(), key,
                            fmt::join(known, " or "), value));
}

StatusOr<GptqRule> ReadRule(const std::string& key, const nlohmann::json& overrides,
                            const std::string& where) {
  GptqRule rule = {.key = key, .pattern = nullptr, .bits = {}, .group_size = {}, .symmetric = {}};
  std::string_view pattern = key;
  const bool is_negative = pattern.starts_with("-:");
  if (is_negative || pattern.starts_with("+:")) pattern.remove_prefix(2);
  // From the start of the name, as Python's re.match; what follows makes no match empty.
  QUIRE_ASSIGN_OR_RETURN(rule.pattern, NewRegexPattern(fmt::format("\\A(?:{}).*", pattern), where));
  // "-:" leaves layers as they were: the rest counts for nothing.
  if (is_negative) return rule;
  JsonFields fields(overrides, where);
  if (fields.Find("bits") != nullptr) ReadBits(fields, "bits", rule.bits.emplace(4));
  if (fields.Find("group_size") != nullptr) {
    ReadGroupSize(fields, "group_size", rule.group_size.emplace(128));
  }
  if (fields.Find("sym") != nullptr) fields.Read("sym", rule.symmetric.emplace(true));
  QUIRE_RETURN_IF_ERROR(fields.status());
  return rule;
}

void ReadRules(JsonFields& fields, QuantizationConfig& config) {
  const nlohmann::json* dynamic = fields.Find("dynamic");
  if (dynamic == nullptr) return;
  if (!dynamic->is_object() || dynamic->size() > kMaxRules) {
    return fields.Fail("dynamic", fmt::format("an object of at most {} patterns", kMaxRules));
  }
  for (const auto& [key, overrides] : dynamic->items()) {
    auto rule = ReadRule(key, overrides, fmt::format("{}: dynamic: {}", fields.where(), key));
    if (!rule.ok()) return fields.Fail(rule.status());
    config.gptq_rules.push_back(*std::move(rule));
  }
}

void ReadGptq(JsonFields& fields, QuantizationConfig& config) {
  ReadBits(fields, "bits", config.gptq.bits);
  ReadGroupSize(fields, "group_size", config.gptq.group_size);
  fields.Read("sym", config.gptq.symmetric);
  const char* format_key = FirstKey(fields, "checkpoint_format", "format");
  std::string format = "gptq";
  fields.Read(format_key, format);
  RequireOneOf(fields, format_key, format, {"gptq", "gptq_v2"});
  config.zeros_minus_one = format == "gptq";
  std::string pack_dtype = "int32";
  fields.Read("pack_dtype", pack_dtype);
  RequireOneOf(fields, "pack_dtype", pack_dtype, {"int32"});
  ReadRules(fields, config);
}

void ReadAwq(JsonFields& fields, QuantizationConfig& config) {
  const char* bits_key = FirstKey(fields, "bits", "w_bit");
  std::int32_t bits = 4;
  fields.Read(bits_key, bits, 1, 64);
  if (bits != 4) {
    fields.Fail(Unimplemented("{}: {}: wanted 4, have {}", fields.where(), bits_key, bits));
  }
  ReadGroupSize(fields, FirstKey(fields, "group_size", "q_group_size"), config.awq_group_size);
  std::string version = "gemm";
  fields.Read("version", version);
  version = Lower(version);
  RequireOneOf(fields, "version", version, {"gemm", "gemv", "gemv_fast"});
  config.awq_layout = version == "gemv"        ? kernels::AwqLayout::kGemv
                      : version == "gemv_fast" ? kernels::AwqLayout::kGemvFast
                                               : kernels::AwqLayout::kGemm;
}

}  // namespace

const char* QuantizationConfig::method_name() const {
  switch (method) {
    case Method::kGptq:
      return "gptq";
    case Method::kAwq:
      return "awq";
    case Method::kBitsAndBytes:
      return "bitsandbytes";
  }
  return "";
}

GptqSettings QuantizationConfig::SettingsOf(const std::string& name) const {
  GptqSettings settings = gptq;
  for (const GptqRule& rule : gptq_rules) {
    std::vector<Match> matches;
    rule.pattern->FindMatches(name, matches);
    if (matches.empty()) continue;
    settings.bits = rule.bits.value_or(settings.bits);
    settings.group_size = rule.group_size.value_or(settings.group_size);
    settings.symmetric = rule.symmetric.value_or(settings.symmetric);
    break;
  }
  return settings;
}

QuantizationConfig ReadQuantizationConfig(JsonFields& fields, const std::string& default_method) {
  QuantizationConfig config;
  std::string method = default_method;
  fields.Read("quant_method", method);
  method = Lower(method);
  RequireOneOf(fields, "quant_method", method, {"gptq", "awq", "bitsandbytes"});
  if (method == "awq") {
    config.method = QuantizationConfig::Method::kAwq;
    ReadAwq(fields, config);
  } else if (method == "bitsandbytes") {
    config.method = QuantizationConfig::Method::kBitsAndBytes;
    fields.Read("llm_int8_threshold", config.int8_threshold, 0.0, kMaxThreshold);
  } else {
    ReadGptq(fields, config);
  }
  return config;
}

Status OrderRules(const std::string& path, const std::vector<const char*>& keys,
                  QuantizationConfig& config) {
  if (config.gptq_rules.size() < 2) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> order, ReadKeysInOrder(path, keys));
  const auto place = [&](const GptqRule& rule) {
    return std::find(order.begin(), order.end(), rule.key) - order.begin();
  };
  std::stable_sort(config.gptq_rules.begin(), config.gptq_rules.end(),
                   [&](const GptqRule& a, const GptqRule& b) { return place(a) < place(b); });
  return OkStatus();
}

}  // namespace quire::engine
