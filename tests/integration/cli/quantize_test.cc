#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

std::string Fixture(const char* name) {
  return (std::filesystem::path("tests/golden/engine/fixtures/stories") / name).string();
}

class QuantizeCommandTest : public QuireTest {
 protected:
  void SetUp() override { QUIRE_SKIP_WITHOUT(TinyModel()); }

  std::string Out(const std::string& name) const { return (folder_.path() / name).string(); }
  ProcessResult Quantize(const std::string& method, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"quantize", "--to", method, "--out", Out(method)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunWithModel(arguments);
  }
  double Perplexity(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {"perplexity", "--file", Fixture("evaluation.txt"), "--context", "256"});
    const ProcessResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_EQ(json.value("context", 0), 256) << result.out;
    return json.value("perplexity", 0.0);
  }
};

TEST_F(QuantizeCommandTest, PerplexityIsTheMeanOfTheScores) {
  // The text that greedy decoding gives, and the log-probabilities recorded for it.
  const Json reference = Json::parse(ReadWholeFile(TinyModel() / "greedy_logprobs.json"));
  double sum = 0;
  for (const Json& logprob : reference["logprobs"]) sum += logprob.get<double>();
  const std::size_t count = reference["logprobs"].size();
  std::string text = ReadWholeFile(TinyModel() / "greedy.txt");
  text.pop_back();  // the file ends its last line
  WriteAll(Out("greedy.txt"), text);
  const ProcessResult result = RunWithModel({"perplexity", "--file", Out("greedy.txt")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["context"], 512);
  EXPECT_EQ(json["tokens"], count);
  EXPECT_NEAR(json["perplexity"].get<double>(), std::exp(-sum / static_cast<double>(count)), 1e-3);
  EXPECT_EQ(Lines(result.out).size(), 1u);
}

TEST_F(QuantizeCommandTest, EveryTokenIsScoredOnceWhateverTheWindow) {
  for (const char* context : {"2", "17", "512"}) {
    const ProcessResult result = RunWithModel(
        {"perplexity", "--file", (TinyModel() / "greedy.txt").string(), "--context", context});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    // BOS stands before each window, so that its first token is scored too.
    EXPECT_EQ(Json::parse(result.out)["tokens"], 256) << context;
  }
}

TEST_F(QuantizeCommandTest, QuantizingOnLoadCostsLittle) {
  const std::vector<std::string> model = {"--model", TinyModel().string()};
  const double plain = Perplexity(model);
  EXPECT_LT(Perplexity({"--model", TinyModel().string(), "--quantize", "int8"}), 1.005 * plain);
  for (const char* kind : {"int4", "nf4"}) {
    const double perplexity = Perplexity({"--model", TinyModel().string(), "--quantize", kind});
    EXPECT_GT(perplexity, plain) << kind;
    EXPECT_LT(perplexity, 1.2 * plain) << kind;
  }
  const ProcessResult text =
      RunWithModel({"generate", "--max-tokens", "20", "--temperature", "0", "--quantize", "nf4"});
  EXPECT_THAT(text.out, HasSubstr("Once upon a time")) << text.err;
}

TEST_F(QuantizeCommandTest, WhatIsQuantizedIsNotQuantizedOnLoad) {
  const std::string gguf = (TinyModel() / "stories260k-q4_0.gguf").string();
  ASSERT_EQ(Quantize("int8").exit_code, 0);
  for (const std::string& model : {gguf, Out("int8")}) {
    const ProcessResult result = Run({"generate", "--model", model, "--quantize", "int8"});
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(Lines(result.err), SizeIs(1));
    EXPECT_THAT(result.err, HasSubstr("wanted weights in F32, F16 or BF16, have"));
  }
  const std::string plain = (TinyModel() / "stories260k-f32.gguf").string();
  EXPECT_EQ(
      Run({"generate", "--model", plain, "--quantize", "int8", "--max-tokens", "5"}).exit_code, 0);
}

TEST_F(QuantizeCommandTest, WritesModelsThatOtherCommandsTake) {
  const double plain = Perplexity({"--model", TinyModel().string()});
  for (const std::string& method : std::vector<std::string>{"nf4", "int8", "gptq", "awq"}) {
    std::vector<std::string> more;
    if (method == "gptq" || method == "awq") more = {"--calibration", Fixture("calibration.txt")};
    const ProcessResult result = Quantize(method, more);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    for (const std::string& file : Lines(result.out)) {
      EXPECT_TRUE(std::filesystem::is_regular_file(file)) << file;
    }
    EXPECT_THAT(result.out, HasSubstr(Out(method) + "/tokenizer.json\n"));
    EXPECT_THAT(result.out, HasSubstr(Out(method) + "/model.safetensors\n"));
    EXPECT_EQ(result.err.find("mlp.down_proj") != std::string::npos, !more.empty()) << result.err;
    EXPECT_EQ(Run({"inspect", Out(method)}).exit_code, 0);
    EXPECT_LT(Perplexity({"--model", Out(method)}), 1.1 * plain) << method;
  }
}

TEST_F(QuantizeCommandTest, BadInputIsOneLineAndTheRightCode) {
  const std::string text = Fixture("calibration.txt");
  WriteAll(Out("bytes.txt"), "good \xFF bad");
  std::filesystem::create_directories(Out("full"));
  WriteAll(Out("full/file"), "mine");
  const auto copy = folder_.path() / "damaged";
  std::filesystem::create_directories(copy);
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    WriteAll(copy / name, ReadWholeFile(TinyModel() / name));
  }
  WriteAll(copy / "model.safetensors", "no tensors");
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    const char* message;
  };
  const std::string model = TinyModel().string();
  for (const Case& c : std::vector<Case>{
           {{"quantize", "--model", model, "--to", "gptq", "--out", Out("a")}, 2, "--calibration"},
           {{"quantize", "--model", model, "--to", "nf4", "--act-order", "--out", Out("a")},
            2,
            "--act-order"},
           {{"quantize", "--model", model, "--to", "int8", "--out", Out("full")},
            2,
            "full: wanted"},
           {{"quantize", "--model", model, "--to", "int8", "--out", Out("none/a")}, 3, "none"},
           {{"quantize", "--model", "/no/such", "--to", "int8", "--out", Out("a")}, 3, "/no/such"},
           {{"quantize", "--model", model + "/stories260k-f32.gguf", "--to", "int8", "--out",
             Out("a")},
            2,
            "GGUF"},
           {{"quantize", "--model", model, "--to", "awq", "--calibration", "/no/such.txt", "--out",
             Out("a")},
            3,
            "/no/such.txt"},
           {{"quantize", "--model", model, "--to", "awq", "--calibration", Out("bytes.txt"),
             "--out", Out("a")},
            6,
            "invalid byte at offset 5"},
           {{"quantize", "--model", copy.string(), "--to", "int8", "--out", Out("a")},
            6,
            "model.safetensors"},
           {{"perplexity", "--model", model, "--file", "/no/such.txt"}, 3, "/no/such.txt"},
           {{"perplexity", "--model", model, "--file", Out("bytes.txt")}, 6, "offset 5"},
           {{"perplexity", "--model", model, "--file", text, "--context", "513"}, 2, "[2, 512]"},
           {{"perplexity", "--model", copy.string(), "--file", text}, 6, "model.safetensors"}}) {
    const ProcessResult result = Run(c.arguments);
    EXPECT_EQ(result.exit_code, c.exit_code) << ::testing::PrintToString(c.arguments) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(c.message));
    EXPECT_THAT(Lines(result.err), SizeIs(1)) << result.err;
    EXPECT_FALSE(std::filesystem::exists(Out("a")));
    EXPECT_FALSE(std::filesystem::exists(Out("a.partial")));
  }
  EXPECT_EQ(ReadWholeFile(Out("full/file")), "mine");
}

TEST_F(QuantizeCommandTest, BenchmarksTakeQuantizedShapes) {
  const ProcessResult result = RunWithModel(
      {"bench", "engine", "--quantize", "int4", "--prompt-tokens", "8", "--new-tokens", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const ProcessResult plain =
      RunWithModel({"bench", "engine", "--prompt-tokens", "8", "--new-tokens", "2"});
  EXPECT_LT(Json::parse(result.out)["weight_bytes"].get<std::int64_t>(),
            Json::parse(plain.out)["weight_bytes"].get<std::int64_t>() / 2);
}

}  // namespace
}  // namespace quire::testing
