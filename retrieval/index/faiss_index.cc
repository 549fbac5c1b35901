#include "retrieval/index/faiss_index.h"

#include <faiss/IndexFlat.h>
#include <faiss/impl/IDSelector.h>
#include <omp.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <shared_mutex>

namespace quire::retrieval {
namespace {

using Row = faiss::Index::idx_t;

// FAISS starts a team of threads for each thread that calls it; searches already run in parallel,
// one per call.
void UseOneThread() {
  thread_local const bool done = [] {
    omp_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

// Rows whose chunk is there and in the filter.
class LiveRows final : public faiss::IDSelector {
 public:
  LiveRows(const std::vector<ChunkId>& chunks, const std::vector<bool>& removed,
           const ChunkFilter* filter)
      : chunks_(chunks), removed_(removed), filter_(filter) {}
  bool is_member(Row row) const override {
    const auto index = static_cast<std::size_t>(row);
    return !removed_[index] && (filter_ == nullptr || filter_->Contains(chunks_[index]));
  }

 private:
  const std::vector<ChunkId>& chunks_;
  const std::vector<bool>& removed_;
  const ChunkFilter* filter_;
};

class RemovedRows final : public faiss::IDSelector {
 public:
  explicit RemovedRows(const std::vector<bool>& removed) : removed_(removed) {}
  bool is_member(Row row) const override { return removed_[static_cast<std::size_t>(row)]; }

 private:
  const std::vector<bool>& removed_;
};

// Row i of the FAISS index is the embedding of chunks_[i].
class FaissIndex final : public VectorIndex {
 public:
  explicit FaissIndex(std::int32_t dimension) : index_(dimension) {}

  Status Add(std::span<const ChunkId> chunks, std::span<const float> embeddings) override {
    if (chunks.empty()) return OkStatus();
    const std::unique_lock lock(mutex_);
    const bool ascend = std::ranges::is_sorted(chunks, std::ranges::less_equal()) &&
                        (chunks_.empty() || chunks_.back() < chunks.front());
    if (!ascend) {
      return AlreadyExists("vector index: wanted ids above {}, have {}",
                           chunks_.empty() ? 0 : ToNumber(chunks_.back()),
                           ToNumber(chunks.front()));
    }
    try {
      // What may throw comes first, so that the three stay of one length.
      chunks_.reserve(chunks_.size() + chunks.size());
      removed_.reserve(removed_.size() + chunks.size());
      index_.add(static_cast<Row>(chunks.size()), embeddings.data());
    } catch (const std::bad_alloc&) {
      return ResourceExhausted("vector index: wanted memory for {} more vectors of {} dimensions",
                               chunks.size(), dimension());
    } catch (const std::exception& exception) {
      return Internal("vector index: {}", exception.what());
    }
    chunks_.insert(chunks_.end(), chunks.begin(), chunks.end());
    removed_.resize(chunks_.size(), false);
    return OkStatus();
  }

  void Remove(std::span<const ChunkId> chunks) override {
    const std::unique_lock lock(mutex_);
    for (const ChunkId chunk : chunks) {
      const auto found = std::ranges::lower_bound(chunks_, chunk);
      if (found == chunks_.end() || *found != chunk) continue;
      const auto row = static_cast<std::size_t>(found - chunks_.begin());
      if (!removed_[row]) ++num_removed_;
      removed_[row] = true;
    }
    constexpr std::size_t kFewEnough = 5;  // one in five
    if (num_removed_ * kFewEnough > chunks_.size()) Compact();
  }

  StatusOr<std::vector<Hit>> Search(std::span<const float> query, std::int64_t k,
                                    const ChunkFilter* filter) const override {
    if (query.size() != static_cast<std::size_t>(dimension())) {
      return InvalidArgument("query vector: wanted {} dimensions, have {}", dimension(),
                             query.size());
    }
    UseOneThread();
    const std::shared_lock lock(mutex_);
    k = std::min(k, NumLive());
    if (k <= 0) return std::vector<Hit>();
    LiveRows live(chunks_, removed_, filter);
    faiss::SearchParameters parameters;
    if (filter != nullptr || num_removed_ > 0) parameters.sel = &live;
    try {
      std::vector<float> similarities(static_cast<std::size_t>(k));
      std::vector<Row> rows(similarities.size());
      index_.search(1, query.data(), k, similarities.data(), rows.data(), &parameters);
      return ToHits(similarities, rows);
    } catch (const std::exception& exception) {
      return Internal("vector index: {}", exception.what());
    }
  }

  std::int32_t dimension() const override { return static_cast<std::int32_t>(index_.d); }

  std::int64_t size() const override {
    const std::shared_lock lock(mutex_);
    return NumLive();
  }

 private:
  std::int64_t NumLive() const { return static_cast<std::int64_t>(chunks_.size() - num_removed_); }

  // Drops the removed rows; the order of the others stays.
  void Compact() {
    index_.remove_ids(RemovedRows(removed_));
    std::size_t kept = 0;
    for (std::size_t row = 0; row < chunks_.size(); ++row) {
      if (!removed_[row]) chunks_[kept++] = chunks_[row];
    }
    chunks_.resize(kept);
    removed_.assign(kept, false);
    num_removed_ = 0;
  }

  std::vector<Hit> ToHits(const std::vector<float>& similarities,
                          const std::vector<Row>& rows) const {
    std::vector<Hit> hits;
    hits.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] < 0) continue;  // fewer live rows than k
      hits.push_back({chunks_[static_cast<std::size_t>(rows[i])], similarities[i]});
    }
    std::ranges::sort(hits, [](const Hit& a, const Hit& b) {
      return a.similarity != b.similarity ? a.similarity > b.similarity : a.chunk < b.chunk;
    });
    return hits;
  }

  mutable std::shared_mutex mutex_;
  faiss::IndexFlatIP index_;
  std::vector<ChunkId> chunks_;  // by row, ascending
  std::vector<bool> removed_;    // by row
  std::size_t num_removed_ = 0;
};

}  // namespace

std::unique_ptr<VectorIndex> NewFaissIndex(std::int32_t dimension) {
  return std::make_unique<FaissIndex>(dimension);
}

}  // namespace quire::retrieval
