#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

class ModelCommandsTest : public QuireTest {
 protected:
  void SetUp() override { QUIRE_SKIP_WITHOUT(TinyModel()); }

  // A copy of the tiny model to damage.
  std::filesystem::path CopyModel() const {
    const auto copy = folder_.path() / "copy";
    std::filesystem::create_directories(copy);
    for (const char* name : {"config.json", "generation_config.json", "tokenizer.json",
                             "tokenizer_config.json", "model.safetensors"}) {
      WriteAll(copy / name, ReadWholeFile(TinyModel() / name));
    }
    return copy;
  }
};

TEST_F(ModelCommandsTest, GreedyTextIsExactOnEveryDevice) {
  const std::string expected = ReadWholeFile(TinyModel() / "greedy.txt");
  for (const char* device : {"cpu", "cpu/baseline"}) {
    const ProcessResult result =
        RunWithModel({"generate", "--max-tokens", "255", "--temperature", "0", "--device", device});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, expected) << device;
  }
}

TEST_F(ModelCommandsTest, GenerateTakesIdsAndPrintsEvents) {
  const ProcessResult result = RunWithModel({"generate", "--prompt-ids", "1,403,407",
                                             "--max-tokens", "5", "--temperature", "0", "--jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::string text;
  std::vector<Json> events;
  for (const std::string& line : Lines(result.out)) {
    events.push_back(Json::parse(line));
    if (events.back().contains("delta")) text += events.back()["delta"]["text"];
  }
  EXPECT_EQ(text, " a time, there was");
  EXPECT_EQ(events.front()["started"]["promptTokens"], 3);
  EXPECT_EQ(events.back()["usage"]["completionTokens"], 5);
}

TEST_F(ModelCommandsTest, StopStringEndsTheText) {
  const ProcessResult result =
      RunWithModel({"generate", "--temperature", "0", "--stop", ",", "--stop", "zzz"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Once upon a time\n");
}

TEST_F(ModelCommandsTest, PromptComesFromStdinToo) {
  const ProcessResult given = RunWithModel(
      {"generate", "--temperature", "0", "--max-tokens", "8", "--prompt", "Lily liked"});
  const ProcessResult piped =
      RunWithModel({"generate", "--temperature", "0", "--max-tokens", "8", "-"}, "Lily liked");
  EXPECT_EQ(given.exit_code, 0) << given.err;
  EXPECT_EQ(given.out, piped.out);
}

TEST_F(ModelCommandsTest, BadSamplingIsAUsageError) {
  const ProcessResult result = RunWithModel({"generate", "--temperature", "nan"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("temperature"));
}

TEST_F(ModelCommandsTest, TooManyTokensForTheContextNamesTheLimit) {
  const ProcessResult result = RunWithModel({"generate", "--max-tokens", "513"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("512"));
}

TEST_F(ModelCommandsTest, TokenizingThereAndBackGivesTheText) {
  const std::vector<std::string> texts = {"Once upon a time", "  two  spaces ", "",
                                          "caf\xC3\xA9 \xF0\x9F\x98\x80", "a\nb\"c"};
  std::string input;
  for (const std::string& text : texts) input += Json(text).dump() + "\n";
  const ProcessResult ids = RunWithModel({"tokenize"}, input);
  ASSERT_EQ(ids.exit_code, 0) << ids.err;
  EXPECT_THAT(Lines(ids.out), SizeIs(texts.size()));
  EXPECT_EQ(Json::parse(Lines(ids.out)[0]), Json({1, 403, 407, 261, 378}));

  const ProcessResult back = RunWithModel({"detokenize"}, ids.out);
  ASSERT_EQ(back.exit_code, 0) << back.err;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(Json::parse(Lines(back.out)[i]), Json(texts[i]));
  }
}

TEST_F(ModelCommandsTest, NoSpecialLeavesBosOut) {
  const ProcessResult ids = RunWithModel({"tokenize", "--no-special"}, "\"Once\"\n");
  EXPECT_EQ(ids.out, "[403]\n") << ids.err;
}

TEST_F(ModelCommandsTest, ALineThatIsNoJsonIsNamed) {
  const ProcessResult result = RunWithModel({"tokenize"}, "\"good\"\nbad\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("stdin line 2: wanted a JSON string"));
}

TEST_F(ModelCommandsTest, ScoresAgreeWithTheReference) {
  const Json reference = Json::parse(ReadWholeFile(TinyModel() / "greedy_logprobs.json"));
  std::string ids;
  for (const Json& id : reference["ids"]) ids += (ids.empty() ? "" : ",") + id.dump();
  const ProcessResult result = RunWithModel({"score", "--ids", ids, "--top", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = Lines(result.out);
  ASSERT_EQ(lines.size(), reference["logprobs"].size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Json token = Json::parse(lines[i]);
    EXPECT_EQ(token["id"], reference["ids"][i + 1]);
    EXPECT_NEAR(token["logprob"].get<double>(), reference["logprobs"][i].get<double>(), 1e-3) << i;
    ASSERT_EQ(token["top"].size(), 3u);
    // Greedy: the token is the most likely one.
    EXPECT_EQ(token["top"][0], Json({token["id"], token["logprob"]}));
  }
}

TEST_F(ModelCommandsTest, ModelsShowSaysWhatTheModelCanDo) {
  const ProcessResult result = Run({"models", "show", TinyModel().string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json model = Json::parse(result.out);
  EXPECT_EQ(model["architecture"], "LlamaForCausalLM");
  EXPECT_EQ(model["contextTokens"], 512);
  EXPECT_EQ(model["canChat"], false);
}

TEST_F(ModelCommandsTest, AModelInTheDataDirectoryHasAName) {
  const auto models = folder_.path() / "data" / "models";
  std::filesystem::create_directories(models);
  std::filesystem::create_directory_symlink(std::filesystem::absolute(TinyModel()),
                                            models / "tiny");
  EXPECT_THAT(Run({"models", "ls"}).out, HasSubstr("tiny\tlocal\t"));
  EXPECT_EQ(Run({"tokenize", "--model", "tiny", "--no-special"}, "\"Once\"\n").out, "[403]\n");
  EXPECT_EQ(Run({"models", "rm", "tiny"}).exit_code, 0);
  EXPECT_EQ(Run({"models", "ls"}).out, "");
  EXPECT_TRUE(std::filesystem::exists(TinyModel() / "config.json"));
  EXPECT_EQ(Run({"models", "rm", "tiny"}).exit_code, 3);
}

TEST_F(ModelCommandsTest, InspectListsEveryTensor) {
  const ProcessResult file = Run({"inspect", (TinyModel() / "model.safetensors").string()});
  EXPECT_EQ(file.exit_code, 0) << file.err;
  EXPECT_THAT(file.out, HasSubstr("model.embed_tokens.weight\tF32\t[512, 64]\t131072\n"));
  EXPECT_EQ(Run({"inspect", TinyModel().string()}).out, file.out);
}

TEST_F(ModelCommandsTest, AGgufFileIsAModelByItself) {
  const std::string gguf = (TinyModel() / "stories260k-f32.gguf").string();
  const ProcessResult text =
      Run({"generate", "--model", gguf, "--max-tokens", "255", "--temperature", "0"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out, ReadWholeFile(TinyModel() / "greedy.txt"));
  const std::string input = "\"Once upon a time\"\n\"caf\\u00e9 <s>\"\n";
  const ProcessResult ids = Run({"tokenize", "--model", gguf}, input);
  EXPECT_EQ(ids.out, RunWithModel({"tokenize"}, input).out);
  EXPECT_EQ(Run({"detokenize", "--model", gguf}, ids.out).out,
            RunWithModel({"detokenize"}, ids.out).out);
  const ProcessResult shown = Run({"models", "show", gguf});
  EXPECT_EQ(Json::parse(shown.out)["architecture"], "LlamaForCausalLM") << shown.err;
  EXPECT_EQ(Json::parse(shown.out)["name"], "models/stories260k-f32");
}

TEST_F(ModelCommandsTest, InspectListsAGgufFile) {
  const ProcessResult file = Run({"inspect", (TinyModel() / "stories260k-q4_0.gguf").string()});
  EXPECT_EQ(file.exit_code, 0) << file.err;
  EXPECT_THAT(file.out, HasSubstr("general.architecture\tstring\tllama\n"));
  EXPECT_THAT(file.out, HasSubstr("tokenizer.ggml.scores\tarray of 512 f32\t["));
  EXPECT_THAT(file.out, HasSubstr("blk.0.attn_q.weight\tQ4_0\t[64, 64]\t2304\n"));
  EXPECT_THAT(file.err, HasSubstr("47 tensors in 1 file"));
  const auto damaged = folder_.path() / "damaged.gguf";
  WriteAll(damaged, ReadWholeFile(TinyModel() / "stories260k-q4_0.gguf").substr(0, 100'000));
  for (const char* command : {"inspect", "generate", "tokenize"}) {
    std::vector<std::string> arguments = {command, damaged.string()};
    if (std::string(command) != "inspect") arguments.insert(arguments.begin() + 1, "--model");
    const ProcessResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 6) << result.err;
    EXPECT_THAT(Lines(result.err), SizeIs(1));
    EXPECT_THAT(result.err, HasSubstr("damaged.gguf: tensor "));
  }
}

TEST_F(ModelCommandsTest, ADamagedFileIsOneClearLine) {
  const auto copy = CopyModel();
  const auto weights = copy / "model.safetensors";
  std::filesystem::resize_file(weights, std::filesystem::file_size(weights) - 1000);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"inspect", weights.string()},
        std::vector<std::string>{"inspect", copy.string()},
        std::vector<std::string>{"generate", "--model", copy.string()}}) {
    const ProcessResult result = Run(command);
    EXPECT_EQ(result.exit_code, 6) << result.err;
    EXPECT_THAT(Lines(result.err), SizeIs(1));
    EXPECT_THAT(result.err, HasSubstr("quire: "));
    EXPECT_THAT(result.err, HasSubstr("model.safetensors"));
  }
}

TEST_F(ModelCommandsTest, AModelWithoutItsFilesIsABadModel) {
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.json"}) {
    const auto copy = CopyModel();
    std::filesystem::remove(copy / name);
    const ProcessResult result = Run({"generate", "--model", copy.string()});
    EXPECT_EQ(result.exit_code, 6) << result.err;
    EXPECT_THAT(result.err, HasSubstr(name));
  }
  const auto copy = CopyModel();
  WriteAll(copy / "config.json", "{\"architectures\":");
  EXPECT_EQ(Run({"generate", "--model", copy.string()}).exit_code, 6);
}

TEST_F(ModelCommandsTest, RenderFillsATemplateByteForByte) {
  const auto file = folder_.path() / "template.jinja";
  WriteAll(file,
           "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
           "{% if add_generation_prompt %}<assistant>{% endif %}{{ mood }}");
  const std::string input =
      R"({"messages":[{"role":"user","content":"Hi\n"}],"kwargs":{"mood":"calm"}})";
  EXPECT_EQ(Run({"render", "--template", file.string(), "--bos", "<s>"}, input).out,
            "<s><user>Hi\n<assistant>calm");
  EXPECT_EQ(Run({"render", "--template", file.string(), "--no-generation-prompt"}, input).out,
            "<user>Hi\ncalm");
  EXPECT_EQ(Run({"render", "--template", file.string()}, "[]").exit_code, 2);
}

TEST_F(ModelCommandsTest, ChatNeedsATemplate) {
  const ProcessResult result = RunWithModel({"chat"}, "Hello\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("template"));
}

TEST_F(ModelCommandsTest, ChatAnswersLineByLine) {
  const auto copy = CopyModel();
  WriteAll(copy / "chat_template.jinja",
           "{{ bos_token }}{% for m in messages %}{{ m.content }} "
           "{% endfor %}");
  const ProcessResult result =
      Run({"chat", "--model", copy.string(), "--temperature", "0", "--max-tokens", "8"},
          "Once upon\n/clear\n\nLily\n/exit\nnever read\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(Lines(result.out), SizeIs(2));
}

TEST_F(ModelCommandsTest, EmbeddingsAreUnitVectors) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  const ProcessResult result =
      Run({"embed", "--model", EmbeddingModel()}, "\"A dog barks.\"\n\"A cat sleeps.\"\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_THAT(Lines(result.out), SizeIs(2));
  for (const std::string& line : Lines(result.out)) {
    const auto vector = Json::parse(line).get<std::vector<double>>();
    EXPECT_EQ(vector.size(), 384u);
    double norm = 0;
    for (const double value : vector) norm += value * value;
    EXPECT_NEAR(std::sqrt(norm), 1.0, 1e-4);
  }
}

TEST_F(ModelCommandsTest, BenchEngineReportsEveryFigure) {
  const ProcessResult result =
      RunWithModel({"bench", "engine", "--prompt-tokens", "16", "--new-tokens", "8"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json figures = Json::parse(result.out);
  for (const char* key : {"prefill_tokens_per_s", "decode_tokens_per_s", "weight_bytes",
                          "stream_bytes_per_s", "bandwidth_share", "peak_rss_bytes"}) {
    ASSERT_TRUE(figures.contains(key)) << key;
    EXPECT_GT(figures[key].get<double>(), 0) << key;
  }
}

}  // namespace
}  // namespace quire::testing
