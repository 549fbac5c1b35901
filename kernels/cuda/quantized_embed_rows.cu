#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/group_terms.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/packed_weight.h"
#include "kernels/embed_rows.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// One block per token; threads stride over the packed inputs.
__global__ void __launch_bounds__(kThreads)
    QuantizedEmbedRowsKernel(const WeightView w,
                             const std::int32_t* ids,  // [tokens]
                             float* out,               // [tokens, in]
                             std::int64_t out_stride) {
  const std::int64_t tile = ids[blockIdx.x] / kTileOutputs;
  const int n = ids[blockIdx.x] % kTileOutputs;
  float* const to = out + blockIdx.x * out_stride;
  const int term_bytes = kTileOutputs * TermBytes(w.term_kind);
  const int step_bytes = kTileOutputs * StepBytes(w.term_kind);
  for (int place = threadIdx.x; place < w.units * kUnitInputs; place += kThreads) {
    const std::int64_t input = w.inputs != nullptr ? w.inputs[place] : place;
    if (input < 0 || input >= w.in) continue;
    const int unit = place / kUnitInputs;
    const std::uint8_t* const codes = w.codes + (tile * w.units + unit) * UnitBytes(w.code_bits);
    const auto code = static_cast<int>(CodeAt(reinterpret_cast<const std::uint32_t*>(codes),
                                              PlaceOf(n, place % kUnitInputs), w.code_bits));
    const GroupTerms terms =
        LoadTerms(w, w.terms + (tile * w.granules + (place >> w.granule_shift)) * term_bytes,
                  w.steps + (tile * (w.units / kStepUnits) + unit / kStepUnits) * step_bytes, n);
    const float c = w.has_table ? w.table[code] : static_cast<float>(code);
    // Rounded after each operation, as the formats define it.
    to[input] = w.shift_use == ShiftUse::kOffset ? __fadd_rn(__fmul_rn(terms.scale, c), terms.shift)
                                                 : __fmul_rn(terms.scale, c - terms.shift);
  }
}

}  // namespace

void QuantizedEmbedRows(const QuantizedEmbedRowsArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.out.rows == 0) return;
  const auto& table = static_cast<const CudaPackedWeight&>(*args.table);
  Launch(QuantizedEmbedRowsKernel, {static_cast<unsigned>(args.out.rows), kThreads}, cuda,
         table.view(), args.ids, Floats(args.out), args.out.row_stride);
}

}  // namespace quire::kernels::cuda
