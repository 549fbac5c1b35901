#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "engine/quantization/input_moments.h"
#include "kernels/quant/group_codes.h"
#include "kernels/tensor.h"

namespace quire::engine {

// GPTQ: the columns of a weight are rounded one after the other, and what a column's rounding does
// to the outputs is made good, as far as can be, by the columns that are still to come.
// Source: Frantar et al. 2023, "GPTQ: Accurate Post-Training Quantization for Generative
// Pre-trained Transformers", algorithm 1.

struct GptqOptions {
  std::int64_t group_size = 128;  // divides the inputs
  // Columns of large inputs first, when most can still be made good: "act-order", "desc_act". The
  // groups are then runs of that order.
  bool act_order = false;
  int num_threads = 1;
};

// What the inputs of a layer say about the order and the weight of errors. Shared by the layers
// that have this input.
struct GptqInputs {
  std::vector<std::int32_t> order;  // [in], columns in the order of rounding
  std::vector<float> importance;    // [in], of columns in that order: their sum of squared inputs
  // [in, in]: U with U^T U = H^-1, rows and columns in that order.
  std::vector<float> upper;
};

// H is x^T x with one percent of the mean of its diagonal added to the diagonal; more if that does
// not make it positive definite in numbers. Returns INTERNAL if nothing does, as with inputs that
// are no numbers.
StatusOr<GptqInputs> PrepareGptq(const InputMoments& moments, const GptqOptions& options);

// Codes of `weight` [out, in], dense f32, on symmetric grids. A group's grid is chosen when its
// first column is reached, among ends from the group's largest |w| down, by the squared error of
// rounding, weighted by importance.
kernels::GroupCodes QuantizeGptq(const kernels::MatrixView& weight, const GptqInputs& inputs,
                                 const GptqOptions& options);

}  // namespace quire::engine
