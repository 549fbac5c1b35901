#include "tests/conformance/attention_fixture.h"

// The contract of paged_attention.h: a token gets the same bits in any batch and any chunking of
// the prefill.

namespace quire::kernels {
namespace {

class AttentionInvarianceTest : public AttentionTest {
 protected:
  // One sequence of `cache` alone, cut to its first `kv_len` tokens; q are the last of them.
  Matrix RunAlone(PagedCache& cache, std::size_t sequence, std::int32_t kv_len, const Matrix& q) {
    const std::vector<std::int32_t> query_lens = {static_cast<std::int32_t>(q.rows())};
    PagedAttentionArgs args = MakeBatch(cache, query_lens, q).args;
    args.batch.kv_lens = &kv_len;
    args.batch.block_table += static_cast<std::ptrdiff_t>(sequence) * cache.max_blocks();
    return Run(cache, args, query_lens, q);
  }

  void Check(const AttentionShape& shape) {
    SCOPED_TRACE(::testing::Message()
                 << "head_dim " << shape.head_dim << ", group "
                 << shape.num_heads / shape.num_kv_heads << ", " << DTypeName(shape.dtype)
                 << ", window " << shape.sliding_window);
    const std::vector<std::int32_t> kv_lens = {700, 45, 130};
    PagedCache cache(shape, kv_lens, random_);
    // Whole prompts, all sequences in one batch.
    const Matrix q = RandomQueries(shape, 700 + 45 + 130);
    const Matrix batched = Run(cache, kv_lens, q);

    std::int64_t first_row = 0;
    for (std::size_t s = 0; s < kv_lens.size(); ++s) {
      // In chunks of odd sizes, down to one token: decoding.
      const std::int32_t chunks[] = {1, 2, 61, 64, 100, 3, 1, 256};
      std::int32_t done = 0;
      for (std::size_t c = 0; done < kv_lens[s]; ++c) {
        const std::int32_t tokens = std::min(chunks[c % std::size(chunks)], kv_lens[s] - done);
        const Matrix chunk = q.Rows(first_row + done, tokens);
        const Matrix alone = RunAlone(cache, s, done + tokens, chunk);
        ASSERT_EQ(alone.bytes(), batched.Rows(first_row + done, tokens).bytes())
            << "sequence " << s << ", tokens " << done << " to " << done + tokens;
        done += tokens;
      }
      first_row += kv_lens[s];
    }
  }
};

TEST_P(AttentionInvarianceTest, TokenHasTheSameBitsInAnyChunk) {
  for (DType dtype : KvTypes()) {
    Check({.num_heads = 4, .num_kv_heads = 4, .head_dim = 16, .dtype = dtype});
    Check({.num_heads = 7, .num_kv_heads = 1, .head_dim = 20, .block_size = 1, .dtype = dtype});
  }
  Check({.num_heads = 4, .num_kv_heads = 2, .head_dim = 64, .dtype = DType::kF16});
}

// Sizes that have bodies of their own on a GPU, where a chunk's size decides which kernel takes it.
TEST_P(AttentionInvarianceTest, TokenHasTheSameBitsInAnyChunkForEveryCacheType) {
  for (DType dtype : KvTypes()) {
    Check({.num_heads = 4, .num_kv_heads = 1, .head_dim = 64, .dtype = dtype});
    Check({.num_heads = 1,
           .num_kv_heads = 1,
           .head_dim = 80,
           .block_size = 32,
           .dtype = dtype,
           .sliding_window = 200});
  }
  Check({.num_heads = 3, .num_kv_heads = 1, .head_dim = 128, .dtype = DType::kBF16, .soft_cap = 5});
  Check({.num_heads = 2, .num_kv_heads = 1, .head_dim = 256, .dtype = DType::kBF16});
}

TEST_P(AttentionInvarianceTest, TokenHasTheSameBitsInAnyChunkUnderAWindow) {
  Check({.num_heads = 4, .num_kv_heads = 2, .head_dim = 16, .sliding_window = 90});
  Check({.num_heads = 4, .num_kv_heads = 2, .head_dim = 16, .sliding_window = 600});
  Check({.num_heads = 4, .num_kv_heads = 2, .head_dim = 16, .sliding_window = 90, .soft_cap = 5});
}

// Many sequences decode one token each, as a scheduler runs them.
TEST_P(AttentionInvarianceTest, TokenHasTheSameBitsInADecodeBatch) {
  const AttentionShape shape = {.num_heads = 8, .num_kv_heads = 2, .head_dim = 32};
  const std::vector<std::int32_t> kv_lens = {1, 64, 65, 511, 512, 513, 1100};
  PagedCache cache(shape, kv_lens, random_);
  const Matrix q = RandomQueries(shape, static_cast<std::int64_t>(kv_lens.size()));
  const Matrix batched = Run(cache, std::vector<std::int32_t>(kv_lens.size(), 1), q);
  for (std::size_t s = 0; s < kv_lens.size(); ++s) {
    const auto row = static_cast<std::int64_t>(s);
    EXPECT_EQ(RunAlone(cache, s, kv_lens[s], q.Rows(row, 1)).bytes(), batched.Rows(row, 1).bytes())
        << "sequence " << s;
  }
}

QUIRE_FOR_EVERY_DEVICE(AttentionInvarianceTest);

}  // namespace
}  // namespace quire::kernels
