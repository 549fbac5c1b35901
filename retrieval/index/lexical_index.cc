#include "retrieval/index/lexical_index.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "retrieval/index/terms.h"

namespace quire::retrieval {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

// Sorts term ids and counts equal ones.
std::vector<ChunkTerms::Count> CountTerms(std::vector<std::uint32_t> ids) {
  std::ranges::sort(ids);
  std::vector<ChunkTerms::Count> counts;
  for (const std::uint32_t id : ids) {
    if (counts.empty() || counts.back().term != id) counts.push_back({id, 0});
    ++counts.back().count;
  }
  return counts;
}

}  // namespace

ChunkTerms LexicalIndex::Analyze(std::string_view text) {
  std::vector<std::string> added;  // not in the dictionary yet
  std::vector<std::uint32_t> ids;
  {
    const std::shared_lock lock(dictionary_mutex_);
    std::string key;
    ForEachTerm(text, [&](std::string_view term) {
      key = term;
      const auto found = dictionary_.find(key);
      if (found == dictionary_.end()) {
        added.push_back(key);
      } else {
        ids.push_back(found->second);
      }
    });
  }
  if (!added.empty()) {
    const std::unique_lock lock(dictionary_mutex_);
    for (std::string& term : added) {
      const auto next = static_cast<std::uint32_t>(dictionary_.size());
      ids.push_back(dictionary_.try_emplace(std::move(term), next).first->second);
    }
  }
  const auto length = static_cast<std::uint32_t>(ids.size());
  return {.counts = CountTerms(std::move(ids)), .length = length};
}

void LexicalIndex::Add(std::span<const ChunkId> chunks, std::span<const ChunkTerms> terms) {
  const std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto slot = static_cast<std::uint32_t>(slots_.size());
    for (const auto& [term, count] : terms[i].counts) {
      if (term >= terms_.size()) terms_.resize(term + 1);
      terms_[term].postings.push_back({slot, count});
      ++terms_[term].num_chunks;
    }
    total_length_ += terms[i].length;
    Slot& added = slots_.emplace_back();
    added.chunk = chunks[i];
    added.length = terms[i].length;
    added.terms.reserve(terms[i].counts.size());
    for (const auto& [term, count] : terms[i].counts) added.terms.push_back(term);
  }
}

void LexicalIndex::Remove(std::span<const ChunkId> chunks) {
  const std::unique_lock lock(mutex_);
  for (const ChunkId chunk : chunks) {
    const auto found = std::ranges::lower_bound(slots_, chunk, {}, &Slot::chunk);
    if (found == slots_.end() || found->chunk != chunk || found->removed) continue;
    found->removed = true;
    ++num_removed_;
    total_length_ -= found->length;
    for (const std::uint32_t term : found->terms) --terms_[term].num_chunks;
  }
  constexpr std::size_t kFewEnough = 5;  // one in five, as in the vector index
  if (num_removed_ * kFewEnough > slots_.size()) Compact();
}

void LexicalIndex::Compact() {
  std::vector<std::uint32_t> moved_to(slots_.size());
  std::uint32_t kept = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    moved_to[i] = kept;
    if (slots_[i].removed) continue;
    if (kept != i) slots_[kept] = std::move(slots_[i]);
    ++kept;
  }
  // A slot was removed if the next one moved to the same place.
  const auto was_removed = [&](const Posting& posting) {
    const std::uint32_t next =
        posting.slot + 1 < moved_to.size() ? moved_to[posting.slot + 1] : kept;
    return next == moved_to[posting.slot];
  };
  for (Term& term : terms_) {
    std::erase_if(term.postings, was_removed);
    for (Posting& posting : term.postings) posting.slot = moved_to[posting.slot];
  }
  slots_.resize(kept);
  num_removed_ = 0;
}

std::vector<ChunkTerms::Count> LexicalIndex::QueryTerms(std::string_view query) const {
  const std::shared_lock lock(dictionary_mutex_);
  std::vector<ChunkTerms::Count> counts;
  std::unordered_map<std::uint32_t, std::size_t> positions;
  ForEachTerm(query, [&](std::string_view term) {
    const auto found = dictionary_.find(std::string(term));
    if (found == dictionary_.end()) return;
    const auto [position, added] = positions.try_emplace(found->second, counts.size());
    if (added) counts.push_back({found->second, 0});
    ++counts[position->second].count;
  });
  return counts;
}

void LexicalIndex::ScoreTerm(const Term& term, double weight, std::vector<double>& scores) const {
  const double mean_length =
      static_cast<double>(total_length_) / static_cast<double>(slots_.size() - num_removed_);
  for (const Posting& posting : term.postings) {
    const double count = posting.count;
    const double relative_length = slots_[posting.slot].length / mean_length;
    scores[posting.slot] +=
        weight * count * (kK1 + 1) / (count + kK1 * (1 - kB + kB * relative_length));
  }
}

std::vector<LexicalIndex::Hit> LexicalIndex::Search(std::string_view query, std::int64_t k,
                                                    const ChunkFilter* filter) const {
  const std::vector<ChunkTerms::Count> query_terms = QueryTerms(query);
  const std::shared_lock lock(mutex_);
  std::vector<Hit> hits;
  if (query_terms.empty() || slots_.size() == num_removed_ || k <= 0) return hits;
  const auto num_chunks = static_cast<double>(slots_.size() - num_removed_);
  std::vector<double> scores(slots_.size(), 0.0);
  for (const auto& [id, count] : query_terms) {
    if (id >= terms_.size() || terms_[id].num_chunks == 0) continue;
    const double n = terms_[id].num_chunks;
    const double idf = std::log1p((num_chunks - n + 0.5) / (n + 0.5));
    ScoreTerm(terms_[id], idf * count, scores);
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const bool wanted = scores[i] > 0 && !slots_[i].removed &&
                        (filter == nullptr || filter->Contains(slots_[i].chunk));
    if (wanted) hits.push_back({slots_[i].chunk, scores[i]});
  }
  const auto better = [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
  };
  const auto count = std::min(hits.size(), static_cast<std::size_t>(k));
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(count), hits.end(),
                    better);
  hits.resize(count);
  return hits;
}

std::int64_t LexicalIndex::size() const {
  const std::shared_lock lock(mutex_);
  return static_cast<std::int64_t>(slots_.size() - num_removed_);
}

}  // namespace quire::retrieval
