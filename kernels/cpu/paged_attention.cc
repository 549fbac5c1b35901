#include "kernels/paged_attention.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/cpu/query_tile.h"

namespace quire::kernels::cpu {
namespace {

// At most kQueryRows rows of one kv head. Row r of a sequence is query token r / group with the
// head r % group of the heads that share the kv head.
struct Item {
  std::int32_t sequence;
  std::int32_t kv_head;
  std::int32_t first_row;
  std::int32_t num_rows;
  std::int64_t parts = -1;  // where its parts begin in `parts`; -1 if one piece does all of it
};

struct Piece {
  std::int32_t item;
  std::int32_t split;  // -1: the whole item
  std::int64_t cost;   // row x key products
};

// Rows are cut so that keys are converted once for many of them. The one item of a sequence with
// few new tokens is cut along its context instead, so that several threads can share it.
class CpuAttentionPlan final : public AttentionPlan {
 public:
  explicit CpuAttentionPlan(const AttentionBatch& batch) {
    const std::int32_t group = batch.num_heads / batch.num_kv_heads;
    value_stride_ = QueryTile::ValueStride(batch.head_dim);
    std::int64_t part_floats = 0;
    for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
      const std::int32_t rows = (batch.query.data[s + 1] - batch.query.data[s]) * group;
      for (std::int32_t kv_head = 0; kv_head < batch.num_kv_heads; ++kv_head) {
        for (std::int32_t row = 0; row < rows; row += kQueryRows) {
          const std::int32_t num_rows = std::min(kQueryRows, rows - row);
          items_.push_back({s, kv_head, row, num_rows});
          AddPieces(batch, rows, group, part_floats);
        }
      }
    }
    parts_.resize(static_cast<std::size_t>(part_floats));
    // Longest first: what is left for the end is short.
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [](const Piece& a, const Piece& b) { return a.cost > b.cost; });
  }

  const std::vector<Item>& items() const { return items_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<std::int32_t>& split_items() const { return split_items_; }

  // The part of one split of a split item. Scratch for the operation that runs with this plan.
  SoftmaxState Part(const Item& item, int split) const {
    return SoftmaxState::At(
        parts_.data() + item.parts + split * SoftmaxState::NumFloats(item.num_rows, value_stride_),
        item.num_rows, value_stride_);
  }

 private:
  void AddPieces(const AttentionBatch& batch, std::int32_t sequence_rows, std::int32_t group,
                 std::int64_t& part_floats) {
    const auto index = static_cast<std::int32_t>(items_.size() - 1);
    Item& item = items_.back();
    const std::int32_t last_row = item.first_row + item.num_rows - 1;
    const std::int32_t query_len = sequence_rows / group;
    const std::int32_t num_keys = batch.kv_lens[item.sequence] - query_len + last_row / group + 1;
    const std::int32_t num_splits = (num_keys + kSplitTokens - 1) / kSplitTokens;
    if (sequence_rows > kQueryRows || num_splits < 2) {
      pieces_.push_back({index, -1, std::int64_t{num_keys} * item.num_rows});
      return;
    }
    item.parts = part_floats;
    part_floats += num_splits * SoftmaxState::NumFloats(item.num_rows, value_stride_);
    split_items_.push_back(index);
    for (std::int32_t split = 0; split < num_splits; ++split) {
      pieces_.push_back({index, split, std::int64_t{kSplitTokens} * item.num_rows});
    }
  }

  int value_stride_ = 0;
  std::vector<Item> items_;
  std::vector<Piece> pieces_;
  std::vector<std::int32_t> split_items_;
  mutable std::vector<float> parts_;
};

// Finds the keys and values of one sequence and kv head through its block table.
class PagedKv {
 public:
  PagedKv(const PagedAttentionArgs& args, const Item& item)
      : cache_(args.cache),
        table_(args.batch.block_table + std::int64_t{item.sequence} * args.batch.max_blocks),
        kv_head_(item.kv_head) {}

  void FillRows(int begin, int end, KvRows& rows) const {
    const std::int64_t row_bytes = cache_.head_dim * BytesPerElement(cache_.dtype);
    for (int position = begin; position < end;) {
      const int block_end = (position / cache_.block_size + 1) * cache_.block_size;
      const std::int64_t block = table_[position / cache_.block_size];
      QUIRE_DCHECK(block >= 0 && block < cache_.num_blocks);
      std::int64_t row = (block * cache_.num_kv_heads + kv_head_) * cache_.block_size +
                         position % cache_.block_size;
      for (; position < std::min(block_end, end); ++position, ++row) {
        const int i = position % kAttentionTile;
        rows.keys[i] = static_cast<const char*>(cache_.k) + row * row_bytes;
        rows.values[i] = static_cast<const char*>(cache_.v) + row * row_bytes;
        if (cache_.dtype != DType::kI8) continue;
        rows.key_scales[i] = cache_.k_scales + row;
        rows.value_scales[i] = cache_.v_scales + row;
      }
    }
  }

 private:
  const KvLayerView& cache_;
  const std::int32_t* const table_;
  const std::int32_t kv_head_;
};

// Reads the rows of `item` from q, or writes them to out.
class ItemRows {
 public:
  ItemRows(const PagedAttentionArgs& args, const Item& item) : args_(args), item_(item) {}

  std::int32_t num_rows() const { return item_.num_rows; }

  void Load(QueryTile& tile) const {
    const AttentionBatch& batch = args_.batch;
    const std::int32_t query_len =
        batch.query.data[item_.sequence + 1] - batch.query.data[item_.sequence];
    tile.set_soft_cap(args_.soft_cap);
    for (std::int32_t r = 0; r < item_.num_rows; ++r) {
      const std::int32_t position =
          batch.kv_lens[item_.sequence] - query_len + (item_.first_row + r) / group();
      const std::int32_t first =
          args_.sliding_window > 0 ? std::max(0, position - args_.sliding_window + 1) : 0;
      tile.SetRow(r, Row(args_.q, r), args_.scale, first, position + 1);
    }
  }
  void Store(const QueryTile& tile) const {
    for (std::int32_t r = 0; r < item_.num_rows; ++r) tile.WriteRow(r, Row(args_.out, r));
  }

 private:
  std::int32_t group() const { return args_.batch.num_heads / args_.batch.num_kv_heads; }
  float* Row(const MatrixView& m, std::int32_t r) const {
    const std::int32_t row = item_.first_row + r;
    const std::int64_t token = args_.batch.query.data[item_.sequence] + row / group();
    const std::int64_t head = item_.kv_head * group() + row % group();
    return FloatRow(m, token) + head * args_.batch.head_dim;
  }

  const PagedAttentionArgs& args_;
  const Item& item_;
};

// Row `row` of one layer's keys or values.
void StoreRow(const Microkernels& kernels, const KvLayerView& cache, const float* x, void* k_or_v,
              float* scales, std::int64_t row) {
  void* const to = static_cast<char*>(k_or_v) + row * cache.head_dim * BytesPerElement(cache.dtype);
  if (cache.dtype == DType::kI8) {
    scales[row] = kernels.quantize_row(x, static_cast<std::int8_t*>(to), cache.head_dim);
  } else {
    kernels.from_f32[ElementIndex(cache.dtype)](x, to, cache.head_dim);
  }
}

}  // namespace

void StoreKv(const StoreKvArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const KvLayerView& cache = args.cache;
  ForRows(cpu, args.k.rows, 2 * args.k.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t block = args.slot_mapping[t] / cache.block_size;
      QUIRE_DCHECK(block >= 0 && block < cache.num_blocks);
      for (std::int64_t head = 0; head < cache.num_kv_heads; ++head) {
        const std::int64_t row = (block * cache.num_kv_heads + head) * cache.block_size +
                                 args.slot_mapping[t] % cache.block_size;
        const std::int64_t column = head * cache.head_dim;
        StoreRow(cpu.microkernels(), cache, FloatRow(args.k, t) + column, cache.k, cache.k_scales,
                 row);
        StoreRow(cpu.microkernels(), cache, FloatRow(args.v, t) + column, cache.v, cache.v_scales,
                 row);
      }
    }
  });
}

std::unique_ptr<AttentionPlan> PlanPagedAttention(const AttentionBatch& batch, Stream&) {
  return std::make_unique<CpuAttentionPlan>(batch);
}

void PagedAttention(const PagedAttentionArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const auto& plan = static_cast<const CpuAttentionPlan&>(*args.plan);
  const int head_dim = args.batch.head_dim;
  const std::int64_t floats = QueryTile::ScratchFloats(head_dim);
  float* const scratch = cpu.WorkerScratch(floats);
  if (scratch == nullptr) return;

  const auto tile_for = [&](const Item& item, int worker) {
    return QueryTile(cpu.microkernels(), args.cache.dtype, head_dim, item.num_rows,
                     scratch + worker * floats);
  };
  const auto num_pieces = static_cast<std::int64_t>(plan.pieces().size());
  cpu.pool().Run(num_pieces, [&](std::int64_t index, int worker) {
    const Piece& piece = plan.pieces()[static_cast<std::size_t>(index)];
    const Item& item = plan.items()[static_cast<std::size_t>(piece.item)];
    const ItemRows rows(args, item);
    QueryTile tile = tile_for(item, worker);
    rows.Load(tile);
    if (piece.split >= 0) {
      tile.RunSplit(PagedKv(args, item), piece.split, plan.Part(item, piece.split));
    } else {
      tile.Run(PagedKv(args, item));
      rows.Store(tile);
    }
  });
  const auto num_split_items = static_cast<std::int64_t>(plan.split_items().size());
  cpu.pool().Run(num_split_items, [&](std::int64_t index, int worker) {
    const auto item_index = plan.split_items()[static_cast<std::size_t>(index)];
    const Item& item = plan.items()[static_cast<std::size_t>(item_index)];
    const ItemRows rows(args, item);
    QueryTile tile = tile_for(item, worker);
    rows.Load(tile);
    for (int split = tile.first_split(); split < tile.end_split(); ++split) {
      tile.Merge(plan.Part(item, split));
    }
    rows.Store(tile);
  });
}

}  // namespace quire::kernels::cpu
