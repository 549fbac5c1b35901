#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/status.h"
#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/stream.h"

namespace quire::kernels::cpu {

// A CPU has no queue: an operation has run when its call returns. The stream carries what the
// operations need: the instruction set, the threads, and scratch memory that grows to the largest
// request and stays. One user at a time.
class CpuStream final : public Stream {
 public:
  // Both must outlive the stream.
  CpuStream(const Microkernels& microkernels, ThreadPool& pool);

  static CpuStream& From(Stream& stream) { return static_cast<CpuStream&>(stream); }

  const Microkernels& microkernels() const { return microkernels_; }
  ThreadPool& pool() { return pool_; }

  // `floats` floats, 64-byte aligned, valid until the next call. Null if there is no memory; then
  // the operation returns at once and Synchronize reports it.
  float* Scratch(std::int64_t floats) { return Grow(shared_, floats); }
  // The same for each worker of the pool: worker w has [w * floats, (w + 1) * floats).
  float* WorkerScratch(std::int64_t floats_per_worker) {
    return Grow(workers_, floats_per_worker * pool_.num_threads());
  }

  // The first error since the last call.
  Status TakeError() { return std::exchange(error_, OkStatus()); }

 private:
  struct Free {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  struct Buffer {
    std::unique_ptr<float[], Free> data;
    std::int64_t floats = 0;
  };
  float* Grow(Buffer& buffer, std::int64_t floats);

  const Microkernels& microkernels_;
  ThreadPool& pool_;
  Buffer shared_;
  Buffer workers_;
  Status error_;
};

// Index into the tables of Microkernels. Requires f32, f16, bf16 or i8.
inline int ElementIndex(DType dtype) {
  const ElementKind kind = dtype == DType::kF32    ? ElementKind::kF32
                           : dtype == DType::kF16  ? ElementKind::kF16
                           : dtype == DType::kBF16 ? ElementKind::kBF16
                                                   : ElementKind::kI8;
  return static_cast<int>(kind);
}

// a / b, rounded up. Requires a >= 0, b > 0.
constexpr std::int64_t CeilDivide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A piece of a matrix-vector product streams about this much weight: long enough for the hardware
// prefetcher, short enough that all threads end together.
inline constexpr std::int64_t kGemvPieceBytes = 128 << 10;

// Row `row` of a matrix, as floats or as bytes of any dtype.
inline float* FloatRow(const MatrixView& m, std::int64_t row) {
  return static_cast<float*>(m.data) + row * m.row_stride;
}
inline char* ByteRow(const MatrixView& m, std::int64_t row) {
  return static_cast<char*>(m.data) + row * m.row_stride * BytesPerElement(m.dtype);
}

// The bias of the outputs from `output` on; null if there is none.
inline const float* BiasFrom(const MatrixView& bias, std::int64_t output) {
  return bias.data == nullptr ? nullptr : FloatRow(bias, 0) + output;
}

// Calls body(begin, end) over [0, rows): on several threads if rows * floats_per_row is worth it.
template <typename Body>
void ForRows(CpuStream& stream, std::int64_t rows, std::int64_t floats_per_row, const Body& body) {
  // 32 Ki floats are about 10 microseconds of a row operation, several times the cost of waking a
  // worker that polls.
  constexpr std::int64_t kFloatsPerPiece = 32 << 10;
  if (rows * floats_per_row < 2 * kFloatsPerPiece || rows < 2) {
    body(std::int64_t{0}, rows);
    return;
  }
  const std::int64_t rows_per_piece =
      std::max<std::int64_t>(1, kFloatsPerPiece / std::max<std::int64_t>(floats_per_row, 1));
  stream.pool().Run(CeilDivide(rows, rows_per_piece), [&](std::int64_t piece, int) {
    const std::int64_t begin = piece * rows_per_piece;
    body(begin, std::min(rows, begin + rows_per_piece));
  });
}

}  // namespace quire::kernels::cpu
