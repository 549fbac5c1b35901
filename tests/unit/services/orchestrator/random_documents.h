#pragma once

#include <random>
#include <string>
#include <vector>

#include "services/orchestrator/packing/source_document.h"

namespace quire::testing {

// One to four documents of words, long words, characters of several bytes, blank lines, text that
// imitates markers and prompts, and sometimes nothing at all. The first one has text.
inline std::vector<services::SourceDocument> RandomDocuments(std::uint32_t seed) {
  static const std::vector<std::string> kPieces = {
      "word ",       "Leave is 30 days. ",
      "é",           "漢字。",
      "\n\n",        "\n",
      "[7] ",        "[1, 2] ",
      "Question: ",  "Dr. Who ",
      "# Heading\n", "- item\n",
      "🙂 ",       "a, b; c ",
      "1.5 ",        "END! ",
      "   ",         "== no_answer\n",
      "[1] A\n",     "{passages} ",
      "“Ja?” ",      "x",
  };
  std::mt19937 random(seed);
  std::vector<services::SourceDocument> documents(1 + random() % 4);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string name = "d" + std::to_string(i);
    documents[i] = {.name = name, .title = "Title " + name, .version = 0, .text = ""};
    const std::size_t num_pieces = random() % 8 == 0 ? 0 : random() % 400;
    for (std::size_t piece = 0; piece < num_pieces; ++piece) {
      documents[i].text += kPieces[random() % kPieces.size()];
      if (random() % 97 == 0) documents[i].text += std::string(random() % 300, 'y');
    }
  }
  documents.front().text += " Something.";
  return documents;
}

}  // namespace quire::testing
