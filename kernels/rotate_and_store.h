#pragma once

#include "kernels/paged_attention.h"
#include "kernels/rope.h"
#include "kernels/stream.h"

namespace quire::kernels {

// All that lies between the projections and attention: rope of q in place and of k, and store_kv of
// the turned k and of v, with the same bits as those operations one after the other.
struct RotateAndStoreArgs {
  RopeArgs rope;      // of q; a rotary_dim of 0 turns nothing
  StoreKvArgs store;  // k as projected; what it holds afterwards is undefined
};
using RotateAndStoreFn = void(const RotateAndStoreArgs& args, Stream& stream);

}  // namespace quire::kernels
