#include "engine/tokenizer/sentence_piece_model.h"

#include "engine/tokenizer/protobuf_reader.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {
namespace {

using Field = ProtobufReader::Field;
using Piece = SentencePieceModel::Piece;

// Stores a field's value; INVALID_ARGUMENT if the field has another type.
template <typename Target, typename Source>
Status Store(const ProtobufReader& reader, std::string_view name, const Source& value,
             Target& target) {
  if (!value) return InvalidArgument("{}.{}: has a wrong type", reader.place(), name);
  target = *value;
  return OkStatus();
}

// Stores an enum in [1, last].
template <typename Enum>
Status StoreEnum(const ProtobufReader& reader, std::string_view name, const Field& field, Enum last,
                 Enum& target) {
  std::int32_t value = 0;
  QUIRE_RETURN_IF_ERROR(Store(reader, name, field.Int32(), value));
  if (value < 1 || value > static_cast<std::int32_t>(last)) {
    return InvalidArgument("{}.{}: wanted a value in [1, {}], have {}", reader.place(), name,
                           static_cast<std::int32_t>(last), value);
  }
  target = static_cast<Enum>(value);
  return OkStatus();
}

// Calls `read(reader, field)` for each field of a message.
template <typename Read>
Status ForEachField(std::string_view message, std::string place, Read read) {
  ProtobufReader reader(message, std::move(place));
  while (true) {
    QUIRE_ASSIGN_OR_RETURN(const std::optional<Field> field, reader.Next());
    if (!field) return OkStatus();
    QUIRE_RETURN_IF_ERROR(read(reader, *field));
  }
}

Status ReadPiece(std::string_view message, std::string place, Piece& piece) {
  return ForEachField(message, std::move(place),
                      [&](const ProtobufReader& reader, const Field& field) -> Status {
                        switch (field.number) {
                          case 1:
                            return Store(reader, "piece", field.Bytes(), piece.text);
                          case 2:
                            return Store(reader, "score", field.Float(), piece.score);
                          case 3:
                            return StoreEnum(reader, "type", field,
                                             SentencePieceModel::PieceType::kByte, piece.type);
                          default:
                            return OkStatus();
                        }
                      });
}

Status ReadTrainerSpec(std::string_view message, std::string place, SentencePieceModel& model) {
  return ForEachField(
      message, std::move(place), [&](const ProtobufReader& reader, const Field& field) -> Status {
        switch (field.number) {
          case 3:
            return StoreEnum(reader, "model_type", field, SentencePieceModel::Algorithm::kChar,
                             model.algorithm);
          case 24:
            return Store(reader, "treat_whitespace_as_suffix", field.Bool(),
                         model.whitespace_is_suffix);
          case 35:
            return Store(reader, "byte_fallback", field.Bool(), model.byte_fallback);
          case 41:
            return Store(reader, "bos_id", field.Int32(), model.bos_id);
          case 42:
            return Store(reader, "eos_id", field.Int32(), model.eos_id);
          case 44:
            return Store(reader, "unk_surface", field.Bytes(), model.unknown_surface);
          default:
            return OkStatus();
        }
      });
}

Status ReadNormalizerSpec(std::string_view message, std::string place, SentencePieceModel& model) {
  return ForEachField(
      message, std::move(place), [&](const ProtobufReader& reader, const Field& field) -> Status {
        switch (field.number) {
          case 2:
            return Store(reader, "precompiled_charsmap", field.Bytes(), model.charsmap);
          case 3:
            return Store(reader, "add_dummy_prefix", field.Bool(), model.add_dummy_prefix);
          case 4:
            return Store(reader, "remove_extra_whitespaces", field.Bool(),
                         model.remove_extra_whitespaces);
          case 5:
            return Store(reader, "escape_whitespaces", field.Bool(), model.escape_whitespaces);
          default:
            return OkStatus();
        }
      });
}

// Rules for decoding: no public model has any.
Status RefuseDenormalizer(std::string_view message, std::string place) {
  return ForEachField(
      message, std::move(place), [&](const ProtobufReader& reader, const Field& field) -> Status {
        if (field.number != 2 || field.bytes.empty()) return OkStatus();
        return InvalidArgument("{}.precompiled_charsmap: wanted none, have {} bytes",
                               reader.place(), field.bytes.size());
      });
}

}  // namespace

StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string_view bytes,
                                                     const std::string& place) {
  SentencePieceModel model;
  const auto read = [&](const ProtobufReader& reader, const Field& field) -> Status {
    if (field.number < 1 || field.number > 5) return OkStatus();
    std::string_view message;
    QUIRE_RETURN_IF_ERROR(Store(reader, fmt::format("{}", field.number), field.Bytes(), message));
    switch (field.number) {
      case 1:
        if (model.pieces.size() >= Vocabulary::kMaxSize) {
          return InvalidArgument("{}: wanted at most {} pieces, have more", place,
                                 Vocabulary::kMaxSize);
        }
        model.pieces.emplace_back();
        return ReadPiece(message, fmt::format("{} pieces[{}]", place, model.pieces.size() - 1),
                         model.pieces.back());
      case 2:
        return ReadTrainerSpec(message, place + " trainer_spec", model);
      case 3:
        return ReadNormalizerSpec(message, place + " normalizer_spec", model);
      case 5:
        return RefuseDenormalizer(message, place + " denormalizer_spec");
      default:
        return OkStatus();
    }
  };
  QUIRE_RETURN_IF_ERROR(ForEachField(bytes, place, read));
  return model;
}

}  // namespace quire::engine
