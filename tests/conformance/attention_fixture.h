#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "kernels/paged_attention.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {

struct AttentionShape {
  std::int32_t num_heads = 4;
  std::int32_t num_kv_heads = 2;
  std::int32_t head_dim = 16;
  std::int32_t block_size = 16;
  DType dtype = DType::kF32;
  std::int32_t sliding_window = 0;
};

// A layer of a paged cache that holds some sequences in scattered blocks. Every slot that belongs
// to no token is NaN.
class PagedCache {
 public:
  PagedCache(const AttentionShape& shape, const std::vector<std::int32_t>& kv_lens,
             std::mt19937& random)
      : shape_(shape), kv_lens_(kv_lens) {
    std::int32_t blocks = 0;
    for (std::int32_t kv_len : kv_lens) {
      max_blocks_ = std::max(max_blocks_, NumBlocks(kv_len));
      blocks += NumBlocks(kv_len);
    }
    num_blocks_ = blocks + 3;  // some belong to nobody
    std::vector<std::int32_t> free(static_cast<std::size_t>(num_blocks_));
    std::iota(free.begin(), free.end(), 0);
    std::shuffle(free.begin(), free.end(), random);

    const std::size_t elements = static_cast<std::size_t>(num_blocks_) * shape.num_kv_heads *
                                 shape.block_size * shape.head_dim;
    k_.assign(elements * static_cast<std::size_t>(BytesPerElement(shape.dtype)), std::byte{0xff});
    v_ = k_;
    // Beyond the blocks of a sequence its row of the table is no block.
    block_table_.assign(kv_lens.size() * static_cast<std::size_t>(max_blocks_), -1);
    std::normal_distribution<float> normal;
    for (std::size_t s = 0; s < kv_lens.size(); ++s) {
      for (std::int32_t b = 0; b < NumBlocks(kv_lens[s]); ++b) {
        block_table_[s * static_cast<std::size_t>(max_blocks_) + static_cast<std::size_t>(b)] =
            free.back();
        free.pop_back();
      }
      for (std::int32_t position = 0; position < kv_lens[s]; ++position) {
        for (std::int32_t head = 0; head < shape.num_kv_heads; ++head) {
          for (std::int32_t d = 0; d < shape.head_dim; ++d) {
            Set(k_, Element(s, position, head, d), normal(random));
            Set(v_, Element(s, position, head, d), normal(random));
          }
        }
      }
    }
  }

  // Index of an element of a sequence's keys or values.
  std::size_t Element(std::size_t sequence, std::int32_t position, std::int32_t kv_head,
                      std::int32_t d) const {
    const std::int64_t block = block_table_[sequence * static_cast<std::size_t>(max_blocks_) +
                                            static_cast<std::size_t>(position / shape_.block_size)];
    return static_cast<std::size_t>(((block * shape_.num_kv_heads + kv_head) * shape_.block_size +
                                     position % shape_.block_size) *
                                        shape_.head_dim +
                                    d);
  }

  KvLayerView View(void* k, void* v) const {
    return {.k = k,
            .v = v,
            .num_blocks = num_blocks_,
            .block_size = shape_.block_size,
            .num_kv_heads = shape_.num_kv_heads,
            .head_dim = shape_.head_dim,
            .dtype = shape_.dtype};
  }
  KvLayerView view() { return View(k_.data(), v_.data()); }

  std::vector<std::byte>& k() { return k_; }
  std::vector<std::byte>& v() { return v_; }
  std::vector<std::int32_t>& block_table() { return block_table_; }
  const std::vector<std::int32_t>& kv_lens() const { return kv_lens_; }
  std::int32_t max_blocks() const { return max_blocks_; }
  const AttentionShape& shape() const { return shape_; }

 private:
  std::int32_t NumBlocks(std::int32_t tokens) const {
    return (tokens + shape_.block_size - 1) / shape_.block_size;
  }
  void Set(std::vector<std::byte>& memory, std::size_t element, float value) const {
    ConvertFromF32(
        shape_.dtype, &value,
        memory.data() + element * static_cast<std::size_t>(BytesPerElement(shape_.dtype)), 1);
  }

  const AttentionShape shape_;
  const std::vector<std::int32_t> kv_lens_;
  std::int32_t num_blocks_ = 0;
  std::int32_t max_blocks_ = 0;
  std::vector<std::byte> k_;
  std::vector<std::byte> v_;
  std::vector<std::int32_t> block_table_;
};

class AttentionTest : public KernelTest {
 protected:
  // Arguments over host memory: the last query_lens[s] tokens of each sequence are the new ones.
  struct HostBatch {
    std::vector<std::int32_t> cu_seqlens;
    PagedAttentionArgs args;
  };
  static HostBatch MakeBatch(PagedCache& cache, const std::vector<std::int32_t>& query_lens,
                             const Matrix& q) {
    HostBatch batch;
    batch.cu_seqlens.push_back(0);
    for (std::int32_t n : query_lens) batch.cu_seqlens.push_back(batch.cu_seqlens.back() + n);
    const AttentionShape& shape = cache.shape();
    batch.args = {
        .q = q.view(),
        .out = q.view(),
        .cache = cache.view(),
        .batch = {.query = {.data = batch.cu_seqlens.data(),
                            .num_sequences = static_cast<std::int32_t>(query_lens.size())},
                  .kv_lens = cache.kv_lens().data(),
                  .block_table = cache.block_table().data(),
                  .max_blocks = cache.max_blocks(),
                  .num_heads = shape.num_heads,
                  .num_kv_heads = shape.num_kv_heads,
                  .head_dim = shape.head_dim},
        .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
        .sliding_window = shape.sliding_window};
    return batch;
  }

  // Runs on the device with the cache copied there.
  Matrix Run(PagedCache& cache, const std::vector<std::int32_t>& query_lens, const Matrix& q) {
    const HostBatch host = MakeBatch(cache, query_lens, q);
    const DeviceArray k = Upload(cache.k());
    const DeviceArray v = Upload(cache.v());
    const DeviceMatrix device_q = Upload(q);
    const DeviceMatrix out = Upload(Matrix(q.rows(), q.cols()));
    PagedAttentionArgs args = host.args;
    args.q = device_q.view();
    args.out = out.view();
    args.cache = cache.View(k.data(), v.data());
    const auto plan = device_.kernels().plan_paged_attention(args.batch);
    args.plan = plan.get();
    device_.kernels().paged_attention(args, *stream_);
    return out.Download();
  }

  Matrix RandomQueries(const AttentionShape& shape, std::int64_t tokens) {
    return Matrix::Random(tokens, std::int64_t{shape.num_heads} * shape.head_dim, random_);
  }
};

}  // namespace quire::kernels
