// config.json and generation_config.json of a model, and the JSON they are written in.

#include "engine/model/generation_config.h"
#include "engine/model/model_config.h"
#include "engine/model/rope_frequencies.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  const std::string folder = testing::InputFolder().string();
  testing::WriteInput("config.json", testing::AsText(data, size));
  testing::WriteInput("generation_config.json", testing::AsText(data, size));
  const auto config = engine::LoadModelConfig(folder);
  testing::CheckClear(config.status());
  engine::ModelConfig usable;
  usable.vocab_size = 100;
  testing::CheckClear(engine::LoadGenerationConfig(folder, usable).status());
  if (!config.ok()) return 0;
  engine::RopeInverseFrequencies(*config);
  engine::RopeInverseFrequencies(*config, config->MaxContextTokens());
  engine::LocalRopeInverseFrequencies(*config);
  config->LargestWindow();
  config->LayerElements();
  return 0;
}
