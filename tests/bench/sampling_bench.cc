// What a step costs between the logits and the token, at a vocabulary of 128,000: masks of
// constraints, penalties, the sampler; and what compiling a constraint costs its caller.

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/sampling/constraints/mask_cache.h"
#include "engine/sampling/logits_processor.h"
#include "engine/sampling/sampler.h"
#include "tests/bench/value_or_die.h"
#include "tests/support/large_vocabulary.h"

namespace quire::engine {
namespace {

using kernels::ValueOrDie;

constexpr std::int32_t kVocabSize = 128'000;
constexpr TokenId kEnd = kVocabSize - 1;

constexpr char kRecordSchema[] = R"({"type": "object",
  "properties": {
    "title": {"type": "string", "minLength": 1, "maxLength": 120},
    "kind": {"enum": ["report", "invoice", "letter", "other"]},
    "date": {"type": "string", "format": "date"},
    "pages": {"type": "integer", "minimum": 1, "maximum": 5000},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 30}, "maxItems": 10},
    "parties": {"type": "array", "items": {"$ref": "#/$defs/party"}, "minItems": 1},
    "total": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}},
  "required": ["title", "kind", "parties", "total"], "additionalProperties": false,
  "$defs": {"party": {"type": "object",
    "properties": {"name": {"type": "string"}, "role": {"type": "string", "maxLength": 40},
                   "address": {"type": ["string", "null"]}},
    "required": ["name", "role"], "additionalProperties": false}}})";
constexpr char kAnySchema[] = R"({"type": "object"})";
constexpr char kRegex[] = "(\\d{4}-\\d{2}-\\d{2}): [^\\n]{10,200}";

const Tokenizer& Vocabulary() {
  static const testing::ListedTokenizer tokenizer(testing::LargeVocabulary(kVocabSize), {kEnd});
  return tokenizer;
}

ConstraintCompiler& Compiler() {
  static ConstraintCompiler compiler(Vocabulary(), kVocabSize, {kEnd});
  return compiler;
}

std::vector<float> Logits() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(kVocabSize);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

// Where a constraint stands after `text`, byte by byte.
ConstraintMatcher After(const ConstraintSpec& spec, std::string_view text) {
  ConstraintMatcher matcher(ValueOrDie(Compiler().Compile(spec)), false);
  for (const char byte : text) matcher.Accept(static_cast<unsigned char>(byte));
  return matcher;
}

struct Place {
  const char* name;
  ConstraintSpec spec;
  const char* text;
};

const std::vector<Place>& Places() {
  static const std::vector<Place> places = {
      {"any/in_string", JsonSchemaConstraint{kAnySchema}, R"({"a": [{"b": "text)"},
      {"any/value", JsonSchemaConstraint{kAnySchema}, R"({"a": )"},
      {"any/after_value", JsonSchemaConstraint{kAnySchema}, R"({"a": [{"b": "text")"},
      {"record/property", JsonSchemaConstraint{kRecordSchema}, "{"},
      {"record/counted_string", JsonSchemaConstraint{kRecordSchema}, R"({"title": "A long)"},
      {"regex/counted_text", RegexConstraint{kRegex}, "2024-05-06: some text"},
  };
  return places;
}

// A place that no sequence was at before.
void BM_MaskCold(benchmark::State& state, const Place& place) {
  const ConstraintMatcher matcher = After(place.spec, place.text);
  std::int32_t allowed = 0;
  for (auto _ : state) {
    const ConstraintStep step = AllowedTokens(matcher);
    allowed = step.mask.num_allowed();
    benchmark::DoNotOptimize(allowed);
  }
  state.counters["allowed"] = allowed;
}

// A place that is in the cache: the look-up, and the masked row.
void BM_MaskWarm(benchmark::State& state, const Place& place) {
  const std::vector<float> logits = Logits();
  LogitsProcessor processor;
  SamplingState sampling;
  sampling.matcher = After(place.spec, place.text);
  sampling.end_tokens = {kEnd};
  for (auto _ : state) {
    benchmark::DoNotOptimize(processor.Process(logits, {}, sampling)->data());
  }
}

// The look-up alone.
void BM_MaskLookUp(benchmark::State& state, const Place& place) {
  MaskCache cache;
  const ConstraintMatcher matcher = After(place.spec, place.text);
  for (auto _ : state) benchmark::DoNotOptimize(cache.Get(matcher).num_allowed());
}

void BM_Compile(benchmark::State& state, const ConstraintSpec& spec) {
  ConstraintCompiler compiler(Vocabulary(), kVocabSize, {kEnd});
  ValueOrDie(compiler.Compile(RegexConstraint{"x"}));  // the tree of the vocabulary
  std::size_t states = 0;
  std::size_t bytes = 0;
  int round = 0;
  for (auto _ : state) {
    // Another text each time, so that it is not found.
    ConstraintSpec fresh = spec;
    if (auto* schema = std::get_if<JsonSchemaConstraint>(&fresh)) {
      schema->schema += std::string(static_cast<std::size_t>(++round % 1000), ' ');
    } else if (auto* regex = std::get_if<RegexConstraint>(&fresh)) {
      regex->pattern = std::to_string(++round) + "|" + regex->pattern;
    }
    const auto constraint = ValueOrDie(compiler.Compile(fresh));
    states = constraint->automaton().num_states();
    bytes = constraint->automaton().num_bytes();
  }
  state.counters["states"] = static_cast<double>(states);
  state.counters["bytes"] = static_cast<double>(bytes);
}

void BM_VocabularyTrie(benchmark::State& state) {
  for (auto _ : state) {
    const constraints::VocabularyTrie trie(Vocabulary(), kVocabSize, std::vector{kEnd});
    benchmark::DoNotOptimize(trie.nodes().data());
    state.counters["nodes"] = static_cast<double>(trie.nodes().size());
  }
}

// A step with penalties after `distinct` different tokens. What is not about them is the copy of
// the row and the look for NaN.
void BM_Penalties(benchmark::State& state) {
  const std::vector<float> logits = Logits();
  const SamplingParams params = {
      .repetition_penalty = 1.1f, .presence_penalty = 0.5f, .frequency_penalty = 0.5f};
  LogitsProcessor processor;
  SamplingState sampling = LogitsProcessor::MakeState(params, {});
  for (TokenId id = 0; id < state.range(0); ++id) processor.Accept(id * 7, params, sampling);
  for (auto _ : state) {
    benchmark::DoNotOptimize(processor.Process(logits, params, sampling)->data());
  }
}

void BM_Sample(benchmark::State& state, const SamplingParams& params) {
  const std::vector<float> logits = Logits();
  Sampler sampler;
  for (auto _ : state) benchmark::DoNotOptimize(sampler.Sample(logits, params, 0.5).ok());
}

void Register() {
  for (const Place& place : Places()) {
    const std::string name = place.name;
    benchmark::RegisterBenchmark(("MaskCold/" + name).c_str(), BM_MaskCold, place)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("MaskWarm/" + name).c_str(), BM_MaskWarm, place)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("MaskLookUp/" + name).c_str(), BM_MaskLookUp, place)
        ->Unit(benchmark::kNanosecond);
  }
  const std::pair<const char*, ConstraintSpec> compiled[] = {
      {"record", JsonSchemaConstraint{kRecordSchema}},
      {"any", JsonSchemaConstraint{kAnySchema}},
      {"regex", RegexConstraint{kRegex}}};
  for (const auto& [name, spec] : compiled) {
    benchmark::RegisterBenchmark((std::string("Compile/") + name).c_str(), BM_Compile, spec)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("VocabularyTrie", BM_VocabularyTrie)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("Penalties/distinct", BM_Penalties)
      ->Arg(1)
      ->Arg(100)
      ->Arg(1'000)
      ->Arg(10'000)
      ->Unit(benchmark::kMicrosecond);
  const std::pair<const char*, SamplingParams> sampled[] = {
      {"greedy", {}},
      {"temperature", {.temperature = 0.8f}},
      {"top_p", {.temperature = 0.8f, .top_p = 0.95f}},
      {"typical_p", {.temperature = 0.8f, .typical_p = 0.95f}}};
  for (const auto& [name, params] : sampled) {
    benchmark::RegisterBenchmark((std::string("Sample/") + name).c_str(), BM_Sample, params)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace quire::engine

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  quire::engine::Register();
  benchmark::RunSpecifiedBenchmarks();
}
