#pragma once

#include <cstdint>

namespace quire::engine {

// The `index`-th number of the stream that `seed` names, uniform in [0, 1). A pure function: a
// sequence draws the same numbers whatever else is in its batch and after it was recomputed.
// Source: Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", Philox4x32-10.
double UniformAt(std::uint64_t seed, std::uint64_t index);

}  // namespace quire::engine
