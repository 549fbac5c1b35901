#pragma once

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/linear-inl.h"
#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/panel_linear-inl.h"
#include "kernels/cpu/peaks-inl.h"
#include "kernels/cpu/rope-inl.h"
#include "kernels/cpu/rows-inl.h"
#include "kernels/cpu/soft_cap-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// The table of this instruction set. Arrays are indexed by ElementKind, of panels by CodeKind.
constexpr Microkernels Table(const char* name) {
  return {
      .name = name,
      .to_f32 = {&ToF32<F32Element>, &ToF32<F16Element>, &ToF32<BF16Element>},
      .add_to_f32 = {&AddToF32<F32Element>, &AddToF32<F16Element>, &AddToF32<BF16Element>},
      .from_f32 = {&FromF32<F32Element>, &FromF32<F16Element>, &FromF32<BF16Element>},
      .quantize_row = &QuantizeRow,
      .rms_norm_row = &RmsNormRow,
      .layer_norm_row = &LayerNormRow,
      .activate = &Activate,
      .scale = &Scale,
      .soft_cap = &SoftCap,
      .sum_of_squares = &SumOfSquares,
      .rope_angles = &RopeAngles,
      .rope_head = &RopeHead,
      .linear =
          {
              .row_tile = kRowTile,
              .gemv_tokens = kGemvTokens,
              .lanes = VecF32::kLanes,
              .scratch_floats = kLinearScratchFloats,
              .pack_rows = &PackRows,
              .gemv = {&Gemv<F32Element>, &Gemv<F16Element>, &Gemv<BF16Element>, &Gemv<I8Element>},
              .gemm = {&Gemm<F32Element>, &Gemm<F16Element>, &Gemm<BF16Element>, &Gemm<I8Element>},
          },
      .panel =
          {
              .gemv_tokens = kPanelGemvTokens,
              .gemv_panels = PanelsAtOnce(1),
              .gemm_rows = kPanelRowTile,
              .scratch_floats = kPanelScratchFloats,
              .sum = &Sum,
              .gemv = {&PanelGemv<Int2Codes>, &PanelGemv<Int3Codes>, &PanelGemv<Int4Codes>,
                       &PanelGemv<Table4Codes>, &PanelGemv<Int5Codes>, &PanelGemv<Int6Codes>,
                       &PanelGemv<Int8Codes>},
              .gemm = {&PanelGemm<Int2Codes>, &PanelGemm<Int3Codes>, &PanelGemm<Int4Codes>,
                       &PanelGemm<Table4Codes>, &PanelGemm<Int5Codes>, &PanelGemm<Int6Codes>,
                       &PanelGemm<Int8Codes>},
          },
      .attention =
          {
              .lanes = VecF32::kLanes,
              .load_keys = {&LoadKeys<F32Element>, &LoadKeys<F16Element>, &LoadKeys<BF16Element>,
                            &LoadKeys<I8Element>},
              .load_values = {&LoadValues<F32Element>, &LoadValues<F16Element>,
                              &LoadValues<BF16Element>, &LoadValues<I8Element>},
              .tile = &AttentionTile,
              .merge_row = &MergeRow,
          },
      .read_all = &ReadAll,
      .multiply_add_rounds = &MultiplyAddRounds,
  };
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
