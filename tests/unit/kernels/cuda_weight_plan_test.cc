#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "kernels/cuda/weight_plan.h"
#include "kernels/quant/gptq.h"
#include "tests/support/quantized_tensors.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kAllCodeBits[] = {2, 3, 4, 5, 6, 8};

TEST(CodeLayoutTest, EveryCodeHasOnePlace) {
  std::set<std::tuple<int, int, int>> places;
  for (int n = 0; n < kTileOutputs; ++n) {
    for (int k = 0; k < kUnitInputs; ++k) {
      const CodePlace place = PlaceOf(n, k);
      EXPECT_LT(place.lane, kLanes);
      EXPECT_LT(place.field, kLaneFields);
      places.insert({place.lane, place.field, place.half});
      const TilePoint point = PointAt(place);
      EXPECT_EQ(point.output, n);
      EXPECT_EQ(point.input, k);
    }
  }
  EXPECT_EQ(places.size(), static_cast<std::size_t>(kUnitCodes));
}

// PTX ISA, "Matrix Fragments for mma.m16n8k16": a lane's registers a0 to a3 are rows g, g + 8, g
// and g + 8, of the columns from 2t on and, in a2 and a3, from 2t + 8 on.
TEST(CodeLayoutTest, FieldsAreTheRegistersOfTheLeftOperand) {
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int slice = 0; slice < kUnitSlices; ++slice) {
      for (int i = 0; i < 4; ++i) {
        for (int half = 0; half < 2; ++half) {
          const TilePoint point = PointAt({lane, slice * 4 + i, half});
          EXPECT_EQ(point.output, lane / 4 + (i == 1 || i == 3 ? 8 : 0));
          EXPECT_EQ(point.input, slice * kSliceInputs + lane % 4 * 2 + half + (i >= 2 ? 8 : 0));
        }
      }
    }
  }
}

TEST(CodeLayoutTest, PackedUnitsGiveEveryCodeBack) {
  std::mt19937 random(1);
  for (const int bits : kAllCodeBits) {
    std::vector<std::uint32_t> codes(kUnitCodes);
    for (std::uint32_t& code : codes) code = random() & ((1u << bits) - 1u);
    const auto index = [](int n, int k) { return static_cast<std::size_t>(n * kUnitInputs + k); };
    std::vector<std::uint32_t> unit(static_cast<std::size_t>(UnitBytes(bits) / 4));
    for (std::size_t w = 0; w < unit.size(); ++w) {
      unit[w] =
          MakeUnitWord(static_cast<int>(w), bits, [&](int n, int k) { return codes[index(n, k)]; });
    }
    for (int n = 0; n < kTileOutputs; ++n) {
      for (int k = 0; k < kUnitInputs; ++k) {
        ASSERT_EQ(CodeAt(unit.data(), PlaceOf(n, k), bits), codes[index(n, k)])
            << bits << " bits, output " << n << ", input " << k;
      }
    }
  }
}

QuantizedLayout LayoutWith(std::vector<std::int32_t> group_of_input, std::int32_t num_groups) {
  QuantizedLayout layout;
  layout.out = 40;
  layout.in = static_cast<std::int64_t>(group_of_input.size());
  layout.num_groups = num_groups;
  layout.group_of_input = std::move(group_of_input);
  return layout;
}

// Every input once, and in a granule of its own group.
void ExpectInverse(const QuantizedLayout& layout) {
  const WeightPlan plan = PlanWeight(layout);
  EXPECT_EQ(plan.inputs.size(), static_cast<std::size_t>(plan.view.units) * kUnitInputs);
  std::map<std::int32_t, std::size_t> place_of;
  for (std::size_t p = 0; p < plan.inputs.size(); ++p) {
    const std::int32_t input = plan.inputs[p];
    if (input < 0) continue;
    EXPECT_TRUE(place_of.insert({input, p}).second) << "input " << input << " twice";
    const std::size_t granule = p >> plan.view.granule_shift;
    ASSERT_LT(granule, plan.granule_groups.size());
    EXPECT_EQ(plan.granule_groups[granule], layout.group_of_input[static_cast<std::size_t>(input)]);
  }
  EXPECT_EQ(place_of.size(), static_cast<std::size_t>(layout.in));
}

TEST(WeightPlanTest, InputsCanBeFoundBack) {
  for (const std::int64_t in : {1, 16, 63, 64, 65, 128, 160, 1000, 4096}) {
    for (const std::int64_t group : {1, 7, 16, 20, 32, 40, 64, 128, 4096}) {
      SCOPED_TRACE(::testing::Message() << in << " inputs in groups of " << group);
      const auto groups = static_cast<std::int32_t>((in + group - 1) / group);
      std::vector<std::int32_t> of_input = ConsecutiveGroups(in, group);
      ExpectInverse(LayoutWith(of_input, groups));
      std::shuffle(of_input.begin(), of_input.end(), std::mt19937(7));
      ExpectInverse(LayoutWith(of_input, groups + 1));  // the last one is empty
    }
  }
}

TEST(WeightPlanTest, GroupsOfWholeGranulesNeedNoPaddingAndNoMap) {
  const WeightPlan plan = PlanWeight(LayoutWith(ConsecutiveGroups(4096, 128), 32));
  EXPECT_TRUE(plan.keeps_order);
  EXPECT_EQ(plan.inputs_bytes(), 0);
  EXPECT_EQ(plan.view.units, 64);
  EXPECT_EQ(1 << plan.view.granule_shift, 128);
  EXPECT_EQ(plan.view.granules, 32);
  // 4-bit codes of 48 outputs, 40 padded to whole tiles.
  EXPECT_EQ(plan.codes_bytes(), 48 * 4096 / 2);
}

TEST(WeightPlanTest, OneGroupHasOneScale) {
  const WeightPlan plan = PlanWeight(LayoutWith(ConsecutiveGroups(1000, 1000), 1));
  EXPECT_EQ(plan.view.granules, 1);
  EXPECT_EQ(plan.view.units, 16);
}

// What a product sums up is cut by the weight's shape, not by the number of rows.
TEST(WeightPlanTest, PartsCoverAllUnitsOnce) {
  for (const std::int64_t out : {1, 100, 4096, 14336, 128256}) {
    for (const std::int64_t in : {1, 64, 2048, 4096, 14336}) {
      QuantizedLayout layout = LayoutWith(ConsecutiveGroups(in, in), 1);
      layout.out = out;
      const WeightView view = PlanWeight(layout).view;
      EXPECT_GE(view.parts * view.part_units, view.units);
      EXPECT_LT((view.parts - 1) * view.part_units, view.units);
    }
  }
}

TEST(WeightPlanTest, StepsOfSuperBlocksStaySteps) {
  std::mt19937 random(1);
  const testing::RandomGguf blocks(random, GgufBlockType::kQ4_K, 40, 512);
  const WeightPlan plan = PlanWeight((*NewGgufWeight(blocks.tensors()))->layout());
  EXPECT_EQ(plan.view.term_kind, TermKind::kSteppedShift);
  // 2 bytes a group of 32 and 4 a block of 256, for 48 outputs.
  EXPECT_EQ(plan.terms_bytes(), 48 * 16 * 2);
  EXPECT_EQ(plan.steps_bytes(), 48 * 2 * 4);
}

TEST(WeightPlanTest, TableIsScaledToUseAllBitsOfF16) {
  std::mt19937 random(1);
  const testing::RandomBnb4 fp4(random, {.table = &kFp4Values});
  const WeightView view = PlanWeight((*NewBnb4Weight(fp4.tensors()))->layout()).view;
  EXPECT_EQ(view.table_factor, 8192.0f);
  EXPECT_FALSE(view.table_is_f16);
  const testing::RandomGguf iq4(random, GgufBlockType::kIQ4_NL, 32, 64);
  EXPECT_TRUE(PlanWeight((*NewGgufWeight(iq4.tensors()))->layout()).view.table_is_f16);
}

}  // namespace
}  // namespace quire::kernels::cuda
