// Reports bytes per second of input and, by the two sizes of each text, whether time is linear.
// Texts: a novel, and megabytes of what trips tokenizers up. Vocabularies: those of real models in
// ../shared/data/tokenizers, and the small Unigram model of tests/golden.

#include <benchmark/benchmark.h>

#include <random>

#include "base/allocator.h"
#include "base/utf8.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using Random = std::mt19937;

std::string Repeat(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() < size) text += piece;
  text.resize(size - size % piece.size());
  return text;
}

std::string Novel(std::size_t size) {
  const std::string book = testing::ReadWholeFile(testing::SharedData("documents/moby-dick.txt"));
  return book.empty() ? Repeat("The harbour master keeps a ledger. ", size) : book.substr(0, size);
}

std::string RandomBytes(std::size_t size) {
  Random random(1);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Random characters of [first, first + count).
std::string RandomCharacters(std::size_t size, char32_t first, std::uint32_t count) {
  Random random(2);
  std::string text;
  while (text.size() < size) AppendUtf8(first + random() % count, text);
  return text;
}

struct Text {
  const char* name;
  std::string (*make)(std::size_t size);
};
constexpr Text kTexts[] = {
    {"novel", Novel},
    {"one_letter", [](std::size_t size) { return Repeat("a", size); }},
    {"spaces", [](std::size_t size) { return Repeat(" ", size); }},
    {"line_breaks", [](std::size_t size) { return Repeat("\n", size); }},
    {"digits", [](std::size_t size) { return RandomCharacters(size, '0', 10); }},
    {"random_letters", [](std::size_t size) { return RandomCharacters(size, 'a', 26); }},
    {"upper_case", [](std::size_t size) { return RandomCharacters(size, 'A', 26); }},
    {"random_bytes", RandomBytes},
    {"cjk", [](std::size_t size) { return RandomCharacters(size, 0x4E00, 0x5000); }},
    {"one_ideograph", [](std::size_t size) { return Repeat("\u4E2D", size); }},
    {"marks", [](std::size_t size) { return Repeat("\u0301\u0323", size); }},
    {"emoji", [](std::size_t size) { return Repeat("👩‍🔬🇩🇪", size); }},
};

void BM_Encode(benchmark::State& state, const Tokenizer* tokenizer, const Text* text) {
  const std::string input = text->make(static_cast<std::size_t>(state.range(0)));
  std::size_t num_tokens = 0;
  for (auto _ : state) {
    const std::vector<TokenId> ids = tokenizer->Encode(input, {});
    num_tokens = ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(input.size()) * state.iterations());
  state.counters["ns_per_byte"] = benchmark::Counter(
      static_cast<double>(input.size()) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["tokens"] = static_cast<double>(num_tokens);
}

void Register(const std::string& name, const std::string& path) {
  auto loaded = Tokenizer::Load(path);
  if (!loaded.ok()) return;                        // data that is absent
  const Tokenizer* tokenizer = loaded->release();  // lives as long as the program
  for (const Text& text : kTexts) {
    benchmark::RegisterBenchmark(("Encode/" + name + "/" + text.name).c_str(), BM_Encode, tokenizer,
                                 &text)
        ->Arg(1 << 19)
        ->Arg(1 << 20)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace quire::engine

int main(int argc, char** argv) {
  quire::KeepFreedMemory();  // as all our programs do
  using quire::testing::SharedData;
  for (const char* name : {"gpt-2", "starcoder", "llama-spm", "bert-bge"}) {
    quire::engine::Register(
        name, (SharedData("tokenizers") / ("ggml-vocab-" + std::string(name) + ".gguf")).string());
  }
  quire::engine::Register("unigram", "tests/golden/tokenizer/unigram");
  quire::engine::Register("unigram-model", "tests/golden/tokenizer/unigram_rules");
  quire::engine::Register("qwen2", "tests/golden/tokenizer/qwen2");
  quire::engine::Register("cased", "tests/golden/tokenizer/cased");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
