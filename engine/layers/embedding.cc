#include "engine/layers/embedding.h"

#include <utility>

#include "engine/layers/linear.h"

namespace quire::engine {

StatusOr<Embedding> Embedding::Load(WeightLoader& loader, const std::string& name,
                                    std::int64_t vocab_size, std::int64_t hidden) {
  LinearWeight table;
  // Not what quantizes on load: a table that is looked up costs no time to read.
  if (loader.IsQuantized(name)) {
    QUIRE_ASSIGN_OR_RETURN(table, loader.Linear({.name = name, .out = vocab_size, .in = hidden}));
  } else {
    QUIRE_ASSIGN_OR_RETURN(table.plain, loader.Matrix(name + ".weight", vocab_size, hidden));
  }
  return Embedding(std::move(table));
}

void Embedding::Forward(const std::int32_t* ids, const kernels::MatrixView& out,
                        const LayerContext& context) const {
  if (table_.packed != nullptr) {
    context.kernels.quantized_embed_rows({.table = table_.packed.get(), .ids = ids, .out = out},
                                         context.stream);
    return;
  }
  context.kernels.embed_rows({.table = table_.plain.view, .ids = ids, .out = out}, context.stream);
}

void Embedding::Project(const kernels::MatrixView& x, const kernels::MatrixView& y,
                        const LayerContext& context) const {
  MultiplyWeight(table_, {.x = x, .bias = {}, .y = y, .accumulate = false}, context);
}

}  // namespace quire::engine
