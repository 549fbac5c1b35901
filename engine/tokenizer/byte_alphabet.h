#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quire::engine {

// The byte-level alphabet of GPT-2: every byte as one printable character. 0x21-0x7E, 0xA1-0xAC
// and 0xAE-0xFF stand for themselves, the other 68 for U+0100 upward, in order.

// The character that stands for `byte`, as UTF-8.
std::string_view SpellByte(unsigned char byte);

// The bytes that `text` spells in the alphabet; nothing if it holds another character.
std::optional<std::string> BytesFromAlphabet(std::string_view text);

}  // namespace quire::engine
