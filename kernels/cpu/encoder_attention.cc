#include <algorithm>
#include <vector>

#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/cpu/query_tile.h"
#include "kernels/paged_attention.h"

namespace quire::kernels::cpu {
namespace {

// At most kQueryRows tokens of one sequence and head.
struct Item {
  std::int32_t sequence;
  std::int32_t head;
  std::int32_t first_token;  // in the packed batch
  std::int32_t num_tokens;
};

std::vector<Item> MakeItems(const EncoderAttentionArgs& args) {
  std::vector<Item> items;
  for (std::int32_t s = 0; s < args.sequences.num_sequences; ++s) {
    const std::int32_t end = args.sequences.data[s + 1];
    for (std::int32_t head = 0; head < args.num_heads; ++head) {
      for (std::int32_t t = args.sequences.data[s]; t < end; t += kQueryRows) {
        items.push_back({s, head, t, std::min(kQueryRows, end - t)});
      }
    }
  }
  return items;
}

// Keys and values of one sequence and head, straight from the packed batch.
class PackedKv {
 public:
  PackedKv(const EncoderAttentionArgs& args, const Item& item)
      : args_(args),
        first_token_(args.sequences.data[item.sequence]),
        column_(std::int64_t{item.head} * args.head_dim) {}

  void FillRows(int begin, int end, KvRows& rows) const {
    for (int position = begin; position < end; ++position) {
      rows.keys[position % kAttentionTile] = FloatRow(args_.k, first_token_ + position) + column_;
      rows.values[position % kAttentionTile] = FloatRow(args_.v, first_token_ + position) + column_;
    }
  }

 private:
  const EncoderAttentionArgs& args_;
  const std::int64_t first_token_;
  const std::int64_t column_;
};

}  // namespace

void EncoderAttention(const EncoderAttentionArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const std::int64_t floats = QueryTile::ScratchFloats(args.head_dim);
  float* const scratch = cpu.WorkerScratch(floats);
  if (scratch == nullptr) return;
  const std::vector<Item> items = MakeItems(args);
  cpu.pool().Run(static_cast<std::int64_t>(items.size()), [&](std::int64_t index, int worker) {
    const Item& item = items[static_cast<std::size_t>(index)];
    const std::int32_t length =
        args.sequences.data[item.sequence + 1] - args.sequences.data[item.sequence];
    const std::int64_t column = std::int64_t{item.head} * args.head_dim;
    QueryTile tile(cpu.microkernels(), DType::kF32, args.head_dim, item.num_tokens,
                   scratch + worker * floats);
    for (std::int32_t r = 0; r < item.num_tokens; ++r) {
      tile.SetRow(r, FloatRow(args.q, item.first_token + r) + column, args.scale, 0, length);
    }
    tile.Run(PackedKv(args, item));
    for (std::int32_t r = 0; r < item.num_tokens; ++r) {
      tile.WriteRow(r, FloatRow(args.out, item.first_token + r) + column);
    }
  });
}

}  // namespace quire::kernels::cpu
