#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/weight_loader.h"

namespace quire::engine {

// A table of token vectors as it is stored: plain, or quantized and decoded row by row. Where a
// model ties it to its output matrix, one copy in memory serves both.
//
// Thread-safe: immutable after Load.
class Embedding {
 public:
  // Reads the table [vocab_size, hidden] of the layer `name`. Errors as WeightLoader.
  static StatusOr<Embedding> Load(WeightLoader& loader, const std::string& name,
                                  std::int64_t vocab_size, std::int64_t hidden);

  // out[t, :] = row ids[t]. `ids`: [tokens] on the device, in range; `out`: [tokens, hidden] f32.
  void Forward(const std::int32_t* ids, const kernels::MatrixView& out,
               const LayerContext& context) const;
  // y = x table^T: the table as an output matrix. `x`: [rows, hidden], `y`: [rows, vocab_size],
  // f32.
  void Project(const kernels::MatrixView& x, const kernels::MatrixView& y,
               const LayerContext& context) const;

  bool is_quantized() const { return table_.packed != nullptr; }
  std::int64_t size_bytes() const { return table_.size_bytes(); }

 private:
  explicit Embedding(LinearWeight table) : table_(std::move(table)) {}

  LinearWeight table_;
};

}  // namespace quire::engine
