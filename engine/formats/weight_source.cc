#include "engine/formats/weight_source.h"

#include <array>

namespace quire::engine {

bool WeightSource::IsQuantized(const std::string&) const { return false; }

StatusOr<LinearTensor> WeightSource::GetLinear(const std::string& name, std::int64_t out,
                                               std::int64_t in) const {
  const std::array shape = {out, in};
  LinearTensor tensor;
  QUIRE_ASSIGN_OR_RETURN(tensor.plain, Get(name + ".weight", shape));
  return tensor;
}

}  // namespace quire::engine
