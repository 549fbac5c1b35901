#include "engine/tokenizer/gguf_pre_tokenizers.h"

#include <algorithm>
#include <vector>

namespace quire::engine {
namespace {

using nlohmann::json;
using Names = std::vector<std::string_view>;
using Regexes = std::vector<std::string_view>;

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                                    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
    R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Letters with case, as a list.
constexpr std::string_view kDeepSeekLetters =
    R"(\s?[A-Za-z)"
    R"(\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A})"
    R"(\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})"
    R"(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124})"
    R"(\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F})"
    R"(\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3})"
    R"(\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943})"
    R"(]+)";
constexpr std::string_view kDeepSeekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*)"
    R"(|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kExaoneMoe =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kUfakzeka =
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

json ByteLevel(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", use_regex}};
}
json Digits(bool individual) { return {{"type", "Digits"}, {"individual_digits", individual}}; }
json Split(std::string_view regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}};
}
json Sequence(std::vector<json> steps) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}
// One split after the other, then bytes.
json Splits(const Regexes& regexes) {
  std::vector<json> steps;
  for (const std::string_view regex : regexes) steps.push_back(Split(regex));
  steps.push_back(ByteLevel(/*use_regex=*/false));
  return Sequence(std::move(steps));
}

struct Row {
  Names names;
  json pre_tokenizer;
  bool normalizes_nfc = false;
  bool ignore_merges = false;
  bool add_bos = false;
};

std::vector<Row> MakeRows() {
  const json gpt2 = ByteLevel(/*use_regex=*/true);
  const json digits_gpt2 = Sequence({Digits(/*individual=*/true), gpt2});
  const json falcon = Sequence({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                                gpt2,
                                Digits(/*individual=*/false),
                                Split("[0-9][0-9][0-9]")});
  const json fallback =
      Sequence({Split(R"([\p{P}\$\+<=>\^~\|]+)"),
                Split(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+)"
                      R"(| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"),
                Split(R"(\p{N}+)"), Split("[0-9][0-9][0-9]"), ByteLevel(/*use_regex=*/false)});
  const Names gpt2_names = {"gpt-2",       "phi-2",      "jina-es",    "jina-de",
                            "gigachat",    "jina-v2-es", "jina-v2-de", "a.x-4.0",
                            "mellum",      "jais",       "jina-v1-en", "jina-v2-code",
                            "roberta-bpe", "trillion",   "exaone4",    "granite-docling"};
  const Names llama3_names = {"llama3",  "llama-v3", "llama-bpe", "falcon3",     "falcon-h1",
                              "pixtral", "midm-2.0", "lfm2",      "jina-v5-nano"};
  const Names digits_names = {"starcoder", "refact",     "smollm", "codeshell",
                              "exaone",    "minerva-7b", "mellum2"};
  const Names qwen2_nfc_names = {"qwen2", "deepseek-r1-qwen"};
  const Names qwen2_names = {"kormo",   "f2llmv2",    "megrez", "stablelm2",
                             "hunyuan", "solar-open", "grok-2"};
  const Names deepseek3_names = {"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"};
  return {
      {{"", "default"}, fallback},
      {gpt2_names, gpt2},
      {{"mpt", "olmo", "modern-bert"}, gpt2, /*normalizes_nfc=*/true},
      {digits_names, digits_gpt2},
      {{"command-r"}, digits_gpt2, /*normalizes_nfc=*/true},
      {{"falcon"}, falcon},
      {llama3_names, Splits({kLlama3}), false, /*ignore_merges=*/true, /*add_bos=*/true},
      {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, Splits({kLlama3})},
      {qwen2_nfc_names, Splits({kQwen2}), /*normalizes_nfc=*/true},
      {qwen2_names, Splits({kQwen2})},
      {{"qwen35"}, Splits({kQwen35}), /*normalizes_nfc=*/true},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, Splits({kGpt4o})},
      {{"granite-embed-multi-97m"}, Splits({kGpt4o}), false, /*ignore_merges=*/true},
      {{"tekken"}, Splits({kTekken}), false, /*ignore_merges=*/true, /*add_bos=*/true},
      {{"tiny_aya", "cohere2moe"}, Splits({R"(\d{1,3}(?=(?:\d{3})*\b))", kGpt4o})},
      {{"deepseek-llm"},
       Splits({"[\r\n]", kDeepSeekLetters, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)",
               "[一-龥ࠀ-一가-퟿]+", R"(\p{N}+)"})},
      {{"deepseek-coder"},
       Splits({"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+", R"(\p{N})"})},
      {deepseek3_names, Splits({R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+", kDeepSeekV3})},
      {{"poro-chat", "bloom", "gpt3-finnish"}, Splits({kBloom})},
      {{"viking"}, Splits({kBloom, R"(\p{N})"})},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, Splits({kBailing})},
      {{"exaone-moe"}, Splits({kExaoneMoe})},
      {{"seed-coder"}, Splits({kSeedCoder})},
      {{"ufakzeka"}, Splits({kUfakzeka})},
      {{"laguna"}, Splits({R"([^\n]+|[\n]+)", kQwen2})},
      {{"minicpm5"}, Splits({R"(\p{N}{1,3})", kLlama3}), false, /*ignore_merges=*/true},
  };
}

}  // namespace

std::optional<GgufPreTokenizer> FindGgufPreTokenizer(std::string_view name) {
  static const std::vector<Row>* const rows = new std::vector<Row>(MakeRows());
  for (const Row& row : *rows) {
    if (std::find(row.names.begin(), row.names.end(), name) == row.names.end()) continue;
    return GgufPreTokenizer{.pre_tokenizer = row.pre_tokenizer,
                            .normalizes_nfc = row.normalizes_nfc,
                            .ignore_merges = row.ignore_merges,
                            .add_bos = row.add_bos};
  }
  return std::nullopt;
}

}  // namespace quire::engine
