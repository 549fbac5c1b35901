#pragma once

#include <cstdint>
#include <vector>

#include "kernels/activation.h"
#include "kernels/embed_rows.h"
#include "kernels/linear.h"
#include "kernels/norm.h"
#include "kernels/paged_attention.h"
#include "kernels/pooling.h"
#include "kernels/rope.h"
#include "kernels/sample.h"

// Each operation as its formula, in f64 from the first load to the last sum: the oracle of the
// conformance tests. Takes the arguments of the operation, which hold ordinary memory here, leaves
// the outputs alone and returns what they should be: [rows * cols] of the output matrix. For an
// operation in place, call it before the device.

namespace quire::kernels::reference {

std::vector<double> EmbedRows(const EmbedRowsArgs& args);
std::vector<double> RmsNorm(const RmsNormArgs& args);
std::vector<double> LayerNorm(const LayerNormArgs& args);
std::vector<double> Linear(const LinearArgs& args);
std::vector<double> Rope(const RopeArgs& args);
// What attention reads of the new tokens afterwards: keys, then values, [2, tokens, num_kv_heads *
// head_dim].
std::vector<double> StoreKv(const StoreKvArgs& args);
std::vector<double> PagedAttention(const PagedAttentionArgs& args);
std::vector<double> EncoderAttention(const EncoderAttentionArgs& args);
std::vector<double> GatedActivation(const GatedActivationArgs& args);
std::vector<double> Activation(const ActivationArgs& args);
std::vector<double> Add(const AddArgs& args);
std::vector<double> Scale(const ScaleArgs& args);
std::vector<double> SoftCap(const SoftCapArgs& args);
std::vector<double> Pool(const PoolArgs& args);

// What a row is drawn from: token i takes [ends[i - 1], ends[i]) of [0, 1).
struct SampleShares {
  std::vector<std::int32_t> tokens;
  std::vector<double> ends;
  double margin = 1.0;  // how near a limit was to leaving one token more or less
};
// Of each row. Requires: finite logits.
std::vector<SampleShares> Sample(const SampleArgs& args);

// The element at (row, column) of a matrix of any dtype.
double At(const MatrixView& m, std::int64_t row, std::int64_t col);

}  // namespace quire::kernels::reference
