// Retrieval without a model: what the store, the chunker and the indexes take. Texts are random
// words, so nothing depends on files.

#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/sentences.h"
#include "retrieval/index/faiss_index.h"
#include "retrieval/index/lexical_index.h"
#include "retrieval/library.h"
#include "retrieval/store/rocksdb_document_store.h"
#include "tests/support/hash_embedding.h"
#include "tests/support/test_files.h"

namespace quire::retrieval {
namespace {

constexpr std::int32_t kDimension = 384;

std::string Prose(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes) {
    const unsigned num_words = 8 + random() % 15;
    for (unsigned i = 0; i < num_words; ++i)
      text += "word" + std::to_string(random() % 9'000) + " ";
    text.back() = '.';
    text += random() % 6 == 0 ? "\n\n" : " ";
  }
  return text;
}

// Random unit vectors [count, kDimension].
std::vector<float> UnitVectors(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * kDimension);
  for (std::size_t row = 0; row < count; ++row) {
    double sum = 0;
    for (std::size_t d = 0; d < kDimension; ++d) {
      float& value = vectors[row * kDimension + d];
      value = normal(random);
      sum += double{value} * double{value};
    }
    const auto scale = static_cast<float>(1.0 / std::sqrt(sum));
    for (std::size_t d = 0; d < kDimension; ++d) vectors[row * kDimension + d] *= scale;
  }
  return vectors;
}

std::vector<ChunkId> Ids(std::size_t count) {
  std::vector<ChunkId> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = ChunkId{i};
  return ids;
}

void BM_SentenceEnds(benchmark::State& state) {
  const std::string text = Prose(std::size_t{4} << 20, 1);
  for (auto _ : state) benchmark::DoNotOptimize(SentenceEnds(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_SentenceEnds)->Unit(benchmark::kMillisecond);

// One search on one thread. Bytes per second: of vectors read, to compare with the machine's
// memory.
void BM_FlatSearch(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto index = NewFaissIndex(kDimension);
  const std::vector<float> vectors = UnitVectors(count);
  if (!index->Add(Ids(count), vectors).ok()) state.SkipWithError("cannot fill the index");
  std::size_t query = 0;
  for (auto _ : state) {
    query = (query + 1) % count;
    benchmark::DoNotOptimize(
        index->Search(std::span(vectors).subspan(query * kDimension, kDimension), 10, nullptr));
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(vectors.size() * sizeof(float)));
}
BENCHMARK(BM_FlatSearch)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_LexicalSearch(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  LexicalIndex index;
  std::vector<ChunkTerms> terms;
  for (std::size_t i = 0; i < count; ++i) {
    terms.push_back(index.Analyze(Prose(900, static_cast<unsigned>(i))));
  }
  index.Add(Ids(count), terms);
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.Search("word17 word4711 word99 word1234 word8", 10, nullptr));
  }
}
BENCHMARK(BM_LexicalSearch)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_Analyze(benchmark::State& state) {
  LexicalIndex index;
  const std::string text = Prose(std::size_t{1} << 20, 1);
  for (auto _ : state) benchmark::DoNotOptimize(index.Analyze(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_Analyze)->Unit(benchmark::kMillisecond);

// Takes next to no time, so that what is measured is everything else: a vector that depends on the
// length of the text alone, and a token for each word.
class CheapEmbedder final : public Embedder {
 public:
  StatusOr<EmbeddingModel> Describe(const std::string&) override {
    return EmbeddingModel{
        .name = "cheap", .fingerprint = "cheap", .dimension = kDimension, .max_tokens = 510};
  }
  StatusOr<std::vector<std::int32_t>> CountTokens(
      const std::string&, std::span<const std::string_view> texts) override {
    std::vector<std::int32_t> counts;
    for (const std::string_view text : texts) counts.push_back(quire::testing::CountWords(text));
    return counts;
  }
  StatusOr<Result> Embed(const std::string&, std::span<const std::string_view> texts,
                         InputType) override {
    Result result{.vectors = std::vector<float>(texts.size() * kDimension), .fingerprint = "cheap"};
    for (std::size_t i = 0; i < texts.size(); ++i) {
      result.vectors[i * kDimension + texts[i].size() % kDimension] = 1.0f;
    }
    return result;
  }
};

class LibraryOnDisk {
 public:
  LibraryOnDisk() { Open(); }
  void Open() {
    library_.reset();
    auto store = OpenRocksDbDocumentStore((folder_.path() / "store").string(), {});
    library_ = *Library::Open(*std::move(store),
                              {.new_vector_index = NewFaissIndex, .now_us = [] { return 0; }}, {});
  }
  bool Create() {
    CollectionRecord record;
    record.id = "c";
    record.embedding_fingerprint = "cheap";
    record.embedding_dimension = kDimension;
    record.chunk_tokens = 200;
    record.overlap_tokens = 25;
    return library_->CreateCollection(record).ok();
  }
  bool Add(const std::string& id, const std::string& text) {
    NewDocument document;
    document.id = id;
    document.bytes = text;
    document.sha256 = id;
    return library_->AddDocument("c", std::move(document), embedder_).ok();
  }

 private:
  const quire::testing::TemporaryDirectory folder_;
  CheapEmbedder embedder_;
  std::unique_ptr<Library> library_;
};

// Parse, chunk, hash in place of an embedding, commit with a wait for the disk, index. Bytes of
// text.
void BM_AddDocument(benchmark::State& state) {
  LibraryOnDisk library;
  if (!library.Create()) state.SkipWithError("cannot create the collection");
  const std::string text = Prose(static_cast<std::size_t>(state.range(0)), 1);
  int number = 0;
  for (auto _ : state) {
    if (!library.Add("d" + std::to_string(number++), text)) state.SkipWithError("cannot add");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_AddDocument)
    ->Arg(4 << 10)
    ->Arg(1 << 20)
    ->Arg(16 << 20)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// From a store of 64 documents of 1 MiB to a library that searches. Bytes of text.
void BM_OpenLibrary(benchmark::State& state) {
  LibraryOnDisk library;
  if (!library.Create()) state.SkipWithError("cannot create the collection");
  constexpr int kDocuments = 64;
  std::int64_t bytes = 0;
  for (int i = 0; i < kDocuments; ++i) {
    const std::string text = Prose(1 << 20, static_cast<unsigned>(i));
    bytes += static_cast<std::int64_t>(text.size());
    if (!library.Add("d" + std::to_string(i), text)) state.SkipWithError("cannot add");
  }
  for (auto _ : state) library.Open();
  state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(BM_OpenLibrary)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace quire::retrieval

BENCHMARK_MAIN();
