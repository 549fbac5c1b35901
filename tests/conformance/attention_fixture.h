#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "kernels/paged_attention.h"
#include "tests/conformance/kernel_test.h"
#include "tests/conformance/random_values.h"

namespace quire::kernels {

struct AttentionShape {
  std::int32_t num_heads = 4;
  std::int32_t num_kv_heads = 2;
  std::int32_t head_dim = 16;
  std::int32_t block_size = 16;
  DType dtype = DType::kF32;
  std::int32_t sliding_window = 0;
  float soft_cap = 0.0f;
};

// The keys or the values of a layer in host memory, as a KvLayerView lays them out. Every row is
// NaN until it is set.
struct KvRowsInMemory {
  std::vector<std::byte> elements;
  std::vector<float> scales;  // [rows]; used for i8 and f8 alone

  KvRowsInMemory(std::int64_t rows, std::int32_t head_dim, DType dtype)
      : elements(static_cast<std::size_t>(rows * head_dim * BytesPerElement(dtype)),
                 std::byte{0xff}),
        scales(static_cast<std::size_t>(rows), std::nanf("")) {}

  friend bool operator==(const KvRowsInMemory& a, const KvRowsInMemory& b) {
    // Bits, since NaN equals nothing.
    return a.elements == b.elements &&
           std::memcmp(a.scales.data(), b.scales.data(), a.scales.size() * sizeof(float)) == 0;
  }
};

// A layer of a paged cache that holds some sequences in scattered blocks. Every slot that belongs
// to no token is NaN.
class PagedCache {
 public:
  PagedCache(const AttentionShape& shape, const std::vector<std::int32_t>& kv_lens,
             std::mt19937& random)
      : shape_(shape),
        kv_lens_(kv_lens),
        max_blocks_(NumBlocks(*std::max_element(kv_lens.begin(), kv_lens.end()))),
        num_blocks_(CountBlocks()),
        k_(NumRows(), shape.head_dim, shape.dtype),
        v_(NumRows(), shape.head_dim, shape.dtype) {
    AssignBlocks(random);
    for (std::size_t s = 0; s < kv_lens.size(); ++s) {
      for (std::int32_t position = 0; position < kv_lens[s]; ++position) {
        for (std::int32_t head = 0; head < shape.num_kv_heads; ++head) {
          largest_key_ = std::max(largest_key_, SetRandomRow(k_, Row(s, position, head), random));
          largest_value_ =
              std::max(largest_value_, SetRandomRow(v_, Row(s, position, head), random));
        }
      }
    }
  }

  // Where the key or value of a sequence's token lies, in rows of head_dim elements.
  std::size_t Row(std::size_t sequence, std::int32_t position, std::int32_t kv_head) const {
    const std::int64_t block = block_table_[sequence * static_cast<std::size_t>(max_blocks_) +
                                            static_cast<std::size_t>(position / shape_.block_size)];
    return static_cast<std::size_t>((block * shape_.num_kv_heads + kv_head) * shape_.block_size +
                                    position % shape_.block_size);
  }
  std::int32_t Slot(std::size_t sequence, std::int32_t position) const {
    const std::int32_t block = block_table_[sequence * static_cast<std::size_t>(max_blocks_) +
                                            static_cast<std::size_t>(position / shape_.block_size)];
    return block * shape_.block_size + position % shape_.block_size;
  }

  // The layer over memory of somebody else, or over this one's.
  KvLayerView View(void* k, void* v, float* k_scales, float* v_scales) const {
    return {.k = k,
            .v = v,
            .num_blocks = num_blocks_,
            .block_size = shape_.block_size,
            .num_kv_heads = shape_.num_kv_heads,
            .head_dim = shape_.head_dim,
            .dtype = shape_.dtype,
            .k_scales = k_scales,
            .v_scales = v_scales};
  }
  KvLayerView view() {
    return View(k_.elements.data(), v_.elements.data(), k_.scales.data(), v_.scales.data());
  }

  KvRowsInMemory& k() { return k_; }
  KvRowsInMemory& v() { return v_; }
  double largest_key() const { return largest_key_; }
  double largest_value() const { return largest_value_; }
  std::vector<std::int32_t>& block_table() { return block_table_; }
  const std::vector<std::int32_t>& kv_lens() const { return kv_lens_; }
  std::int32_t max_blocks() const { return max_blocks_; }
  const AttentionShape& shape() const { return shape_; }

  std::size_t RowBytes() const {
    return static_cast<std::size_t>(shape_.head_dim * BytesPerElement(shape_.dtype));
  }

 private:
  std::int32_t NumBlocks(std::int32_t tokens) const {
    return (tokens + shape_.block_size - 1) / shape_.block_size;
  }
  // Some belong to nobody.
  std::int32_t CountBlocks() const {
    std::int32_t blocks = 3;
    for (std::int32_t kv_len : kv_lens_) blocks += NumBlocks(kv_len);
    return blocks;
  }
  std::int64_t NumRows() const {
    return std::int64_t{num_blocks_} * shape_.num_kv_heads * shape_.block_size;
  }

  void AssignBlocks(std::mt19937& random) {
    std::vector<std::int32_t> free(static_cast<std::size_t>(num_blocks_));
    std::iota(free.begin(), free.end(), 0);
    std::shuffle(free.begin(), free.end(), random);
    // Beyond the blocks of a sequence its row of the table is no block.
    block_table_.assign(kv_lens_.size() * static_cast<std::size_t>(max_blocks_), -1);
    for (std::size_t s = 0; s < kv_lens_.size(); ++s) {
      const std::size_t begin = s * static_cast<std::size_t>(max_blocks_);
      for (std::size_t b = 0; b < static_cast<std::size_t>(NumBlocks(kv_lens_[s])); ++b) {
        block_table_[begin + b] = free.back();
        free.pop_back();
      }
    }
  }

  // Returns the largest magnitude of the row.
  double SetRandomRow(KvRowsInMemory& rows, std::size_t row, std::mt19937& random) const {
    const auto head_dim = static_cast<std::size_t>(shape_.head_dim);
    std::vector<float> drawn(head_dim + 1);
    FillNormal(drawn, random);
    std::byte* const to = rows.elements.data() + row * RowBytes();
    double largest = 0;
    if (!HasKvScales(shape_.dtype)) {
      ConvertFromF32(shape_.dtype, drawn.data(), to, shape_.head_dim);
      for (float value : drawn) largest = std::max(largest, std::abs(double{value}));
      return 1.01 * largest;  // rounding adds less
    }
    rows.scales[row] = 0.02f * std::exp(0.3f * drawn.back());
    for (std::size_t d = 0; d < head_dim; ++d) {
      const double element = shape_.dtype == DType::kI8 ? SetI8(to + d, 60.0f * drawn[d])
                                                        : SetF8(to + d, 100.0f * drawn[d]);
      largest = std::max(largest, std::abs(element));
    }
    return rows.scales[row] * largest;
  }

  // Each writes an element and returns what it stands for, without the scale of its row.
  static double SetI8(std::byte* to, float value) {
    const auto element = static_cast<std::int8_t>(
        std::clamp(value, static_cast<float>(-kMaxKvInt8), static_cast<float>(kMaxKvInt8)));
    std::memcpy(to, &element, 1);
    return element;
  }
  static double SetF8(std::byte* to, float value) {
    const std::uint8_t bits = F32ToF8E4M3(value);
    std::memcpy(to, &bits, 1);
    return F8E4M3ToF32(bits);
  }

  const AttentionShape shape_;
  const std::vector<std::int32_t> kv_lens_;
  const std::int32_t max_blocks_;
  const std::int32_t num_blocks_;
  KvRowsInMemory k_;
  KvRowsInMemory v_;
  double largest_key_ = 0;
  double largest_value_ = 0;
  std::vector<std::int32_t> block_table_;
};

// A copy of a cache on a device.
class DeviceCache {
 public:
  DeviceCache(Device& device, Stream& stream, PagedCache& host)
      : device_(device),
        stream_(stream),
        k_(device, stream, host.k().elements),
        v_(device, stream, host.v().elements),
        k_scales_(device, stream, host.k().scales),
        v_scales_(device, stream, host.v().scales),
        view_(host.View(k_.data(), v_.data(), static_cast<float*>(k_scales_.data()),
                        static_cast<float*>(v_scales_.data()))) {}

  const KvLayerView& view() const { return view_; }

  // Copies what the device holds now over `host`, of the same shape.
  void Download(PagedCache& host) const {
    const auto fetch = [&](auto& to, const DeviceArray& from) {
      device_.CopyToHost(to.data(), from.data(),
                         static_cast<std::int64_t>(to.size() * sizeof(to[0])), stream_);
    };
    fetch(host.k().elements, k_);
    fetch(host.v().elements, v_);
    fetch(host.k().scales, k_scales_);
    fetch(host.v().scales, v_scales_);
    const Status status = device_.Synchronize(stream_);
    EXPECT_TRUE(status.ok()) << status;
  }

 private:
  Device& device_;
  Stream& stream_;
  DeviceArray k_;
  DeviceArray v_;
  DeviceArray k_scales_;
  DeviceArray v_scales_;
  KvLayerView view_;
};

class AttentionTest : public KernelTest {
 protected:
  // Types that the device has kernels for.
  std::vector<DType> KvTypes() const {
    std::vector<DType> types;
    for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI8, DType::kF8E4M3}) {
      if (device_.ValidateKvType(dtype).ok()) types.push_back(dtype);
    }
    return types;
  }

  // Unit roundoff of p where tensor cores multiply it with the values; 0 where all of it is f32.
  double RoundoffOfP(const AttentionShape& shape) const {
    const bool has_tensor_cores = device_.name().starts_with("cuda");
    const bool has_instance = shape.head_dim == 64 || shape.head_dim == 80 ||
                              shape.head_dim == 96 || shape.head_dim == 128 ||
                              shape.head_dim == 256;
    if (!has_tensor_cores || !has_instance || shape.dtype == DType::kF32) return 0;
    return shape.dtype == DType::kF16 ? 0x1p-11 : 0x1p-8;
  }

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
        .sliding_window = shape.sliding_window,
        .soft_cap = shape.soft_cap};
    return batch;
  }

  // Runs on the device with the cache copied there.
  Matrix Run(PagedCache& cache, const std::vector<std::int32_t>& query_lens, const Matrix& q) {
    return Run(cache, MakeBatch(cache, query_lens, q).args, query_lens, q);
  }

  // The same with arguments of the caller: all but q, out, cache, plan and cu_seqlens.
  Matrix Run(PagedCache& cache, PagedAttentionArgs args,
             const std::vector<std::int32_t>& query_lens, const Matrix& q) {
    std::vector<std::int32_t> cu_seqlens = {0};
    for (std::int32_t n : query_lens) cu_seqlens.push_back(cu_seqlens.back() + n);
    const DeviceCache device_cache(device_, *stream_, cache);
    const DeviceMatrix device_q = Upload(q);
    const DeviceMatrix out = Upload(Matrix(q.rows(), q.cols()));
    args.q = device_q.view();
    args.out = out.view();
    args.cache = device_cache.view();
    args.batch.query = {.data = cu_seqlens.data(),
                        .num_sequences = static_cast<std::int32_t>(query_lens.size())};
    const auto plan = device_.kernels().plan_paged_attention(args.batch, *stream_);
    args.plan = plan.get();
    device_.kernels().paged_attention(args, *stream_);
    return out.Download();
  }

  // Queries that every type that tensor cores take can hold, so that nothing is lost before the
  // products: what rounding q costs has a test of its own.
  Matrix RandomQueries(const AttentionShape& shape, std::int64_t tokens) {
    Matrix q = Matrix::Random(tokens, std::int64_t{shape.num_heads} * shape.head_dim, random_);
    for (std::int64_t t = 0; t < q.rows(); ++t) {
      for (std::int64_t i = 0; i < q.cols(); ++i) {
        q.Set(t, i, BF16ToF32(F32ToBF16(static_cast<float>(q.At(t, i)))));
      }
    }
    return q;
  }
};

}  // namespace quire::kernels
