#include "retrieval/search/ranking.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace quire::retrieval {
namespace {

constexpr double kRankOffset = 60;            // k of the paper
constexpr std::int64_t kFusionDepth = 1'000;  // the most hits a search may ask for

struct Candidates {
  std::vector<RankedChunk> chunks;  // best first
  bool exhausted = false;           // there are no more
};

StatusOr<Candidates> FindCandidates(const VectorIndex& vectors, const LexicalIndex& words,
                                    const RankingQuery& query, std::int64_t depth) {
  std::vector<VectorIndex::Hit> dense;
  std::vector<LexicalIndex::Hit> lexical;
  if (query.mode != SearchMode::kLexical) {
    QUIRE_ASSIGN_OR_RETURN(dense, vectors.Search(query.vector, depth, query.filter));
  }
  if (query.mode != SearchMode::kDense) lexical = words.Search(query.text, depth, query.filter);
  Candidates candidates;
  candidates.exhausted = static_cast<std::int64_t>(std::max(dense.size(), lexical.size())) < depth;
  if (query.mode == SearchMode::kHybrid) {
    candidates.chunks = FuseReciprocalRanks(dense, lexical);
    return candidates;
  }
  for (const auto& hit : dense) {
    candidates.chunks.push_back(
        {.chunk = hit.chunk, .score = hit.similarity, .similarity = hit.similarity});
  }
  for (const auto& hit : lexical) {
    candidates.chunks.push_back(
        {.chunk = hit.chunk, .score = hit.score, .lexical_score = hit.score});
  }
  return candidates;
}

void KeepBestOfEachGroup(const std::function<std::uint64_t(ChunkId)>& group,
                         std::vector<RankedChunk>& chunks) {
  std::unordered_set<std::uint64_t> seen;
  std::erase_if(
      chunks, [&](const RankedChunk& ranked) { return !seen.insert(group(ranked.chunk)).second; });
}

}  // namespace

std::vector<RankedChunk> FuseReciprocalRanks(std::span<const VectorIndex::Hit> dense,
                                             std::span<const LexicalIndex::Hit> lexical) {
  std::map<ChunkId, RankedChunk> fused;
  const auto add = [&](ChunkId chunk, std::size_t position) -> RankedChunk& {
    RankedChunk& ranked = fused[chunk];
    ranked.chunk = chunk;
    ranked.score += 1.0 / (kRankOffset + static_cast<double>(position + 1));
    return ranked;
  };
  for (std::size_t i = 0; i < dense.size(); ++i) {
    add(dense[i].chunk, i).similarity = dense[i].similarity;
  }
  for (std::size_t i = 0; i < lexical.size(); ++i) {
    add(lexical[i].chunk, i).lexical_score = lexical[i].score;
  }
  std::vector<RankedChunk> chunks;
  chunks.reserve(fused.size());
  for (auto& [chunk, ranked] : fused) chunks.push_back(ranked);
  std::ranges::stable_sort(chunks, std::greater(), &RankedChunk::score);
  return chunks;
}

StatusOr<std::vector<RankedChunk>> RankChunks(const VectorIndex& vectors, const LexicalIndex& words,
                                              const RankingQuery& query) {
  const auto wanted = static_cast<std::size_t>(query.top_k);
  std::int64_t depth = query.mode == SearchMode::kHybrid ? kFusionDepth : query.top_k;
  if (query.group) depth = std::max(depth, 4 * query.top_k);
  for (;;) {
    QUIRE_ASSIGN_OR_RETURN(Candidates candidates, FindCandidates(vectors, words, query, depth));
    if (query.group) KeepBestOfEachGroup(query.group, candidates.chunks);
    if (candidates.chunks.size() >= wanted || candidates.exhausted) {
      candidates.chunks.resize(std::min(candidates.chunks.size(), wanted));
      return std::move(candidates.chunks);
    }
    depth *= 4;  // one document held most of the candidates
  }
}

}  // namespace quire::retrieval
