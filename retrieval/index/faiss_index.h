#pragma once

#include <memory>

#include "retrieval/index/vector_index.h"

namespace quire::retrieval {

// An exact index: FAISS' flat inner product, a scan of all vectors. In memory only, to be filled
// from the store. A removed vector is skipped until a fifth of all are, then the rest is copied
// together.
//
// `dimension` must be positive.
std::unique_ptr<VectorIndex> NewFaissIndex(std::int32_t dimension);

}  // namespace quire::retrieval
