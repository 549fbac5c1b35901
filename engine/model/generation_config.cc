#include "engine/model/generation_config.h"

#include "engine/formats/json_file.h"

namespace quire::engine {

StatusOr<GenerationConfig> LoadGenerationConfig(const std::string& directory,
                                                const ModelConfig& config) {
  GenerationConfig generation;
  generation.eos_token_ids = config.eos_token_ids;
  const std::string path = directory + "/generation_config.json";
  const StatusOr<nlohmann::json> json = ReadJsonFile(path);
  if (absl::IsNotFound(json.status())) return generation;
  QUIRE_RETURN_IF_ERROR(json.status());
  JsonFields fields(*json, path);
  fields.Read("eos_token_id", generation.eos_token_ids, 0, std::int64_t{config.vocab_size} - 1);
  // Not a matter of chance: greedy outputs are penalized too, as transformers does.
  fields.Read("repetition_penalty", generation.sampling.repetition_penalty, 0.1, 10.0);
  bool do_sample = false;
  fields.Read("do_sample", do_sample);
  if (do_sample) {
    SamplingParams& sampling = generation.sampling;
    sampling.temperature = 1.0f;
    fields.Read("temperature", sampling.temperature, 0.0, 100.0);
    fields.Read("top_k", sampling.top_k, 0, INT32_MAX);
    fields.Read("top_p", sampling.top_p, 1e-6, 1.0);
    fields.Read("min_p", sampling.min_p, 0.0, 1.0);
    fields.Read("typical_p", sampling.typical_p, 1e-6, 1.0);
  }
  QUIRE_RETURN_IF_ERROR(fields.status());
  return generation;
}

}  // namespace quire::engine
