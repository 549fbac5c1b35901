// safetensors: whatever is accepted has every tensor inside of the file, and no two overlap.

#include "engine/formats/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  const auto file = engine::SafetensorsFile::Open(
      testing::WriteInput("model.safetensors", testing::AsText(data, size)));
  testing::CheckClear(file.status());
  if (!file.ok()) return 0;
  std::uint64_t position = 0;
  for (const engine::TensorInfo& tensor : (*file)->tensors()) {
    QUIRE_CHECK(tensor.begin >= position && tensor.begin <= tensor.end && tensor.end <= size);
    position = tensor.end;
    testing::UInt128 bits = static_cast<unsigned>(engine::BitsPerElement(tensor.dtype));
    for (const std::int64_t length : tensor.shape) bits *= static_cast<std::uint64_t>(length);
    QUIRE_CHECK(bits == static_cast<testing::UInt128>(tensor.size_bytes()) * 8);
    if (tensor.size_bytes() > 0) {
      volatile std::uint8_t last = (*file)->bytes(tensor).back();
      static_cast<void>(last);
    }
  }
  return 0;
}
