#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/formats/gguf_file.h"
#include "engine/formats/weight_source.h"
#include "kernels/quant/gguf_blocks.h"

namespace quire::engine {

// A GGUF file's tensors under the names and in the layout of a Hugging Face checkpoint: plain ones,
// and linear layers and tables in blocks, each tensor in a type of its own.
//
// The file orders the rows of q and k of Llama-like models for rotary pairs of neighbours; here the
// halves of a head form the pairs, and such rows are copied back into that order.
// Source: llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute.
class GgufWeights final : public WeightSource {
 public:
  // How many heads the rows of q and of k make; 0 where the file orders them as we do.
  struct InterleavedHeads {
    std::int32_t q = 0;
    std::int32_t k = 0;
  };

  // `architecture`: the file's general.architecture.
  GgufWeights(std::shared_ptr<const GgufFile> file, std::string architecture,
              InterleavedHeads heads)
      : file_(std::move(file)), architecture_(std::move(architecture)), heads_(heads) {}

  // Opens the weights of the model at `path`. Errors as GgufFile::Open; INVALID_ARGUMENT if its
  // metadata does not say what the layout needs, UNIMPLEMENTED if the model is split over files.
  static StatusOr<std::unique_ptr<GgufWeights>> Open(const std::string& path);

  // True if some tensor is stored quantized.
  bool holds_blocks() const;

  bool Contains(const std::string& name) const override;
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override;
  MappedFileStates files() const override { return {file_->state()}; }
  bool IsQuantized(const std::string& name) const override;
  StatusOr<LinearTensor> GetLinear(const std::string& name, std::int64_t out,
                                   std::int64_t in) const override;

 private:
  // Bytes of a tensor with its rows in our order, and what keeps them.
  struct OrderedRows {
    const std::uint8_t* bytes = nullptr;
    std::shared_ptr<const void> owner;
  };

  const GgufTensor* Find(const std::string& name) const;
  // Errors as Get.
  StatusOr<const GgufTensor*> FindShaped(const std::string& name,
                                         std::span<const std::int64_t> shape) const;
  StatusOr<OrderedRows> Rows(const GgufTensor& tensor) const;
  // The number of heads if the rows of `name` are interleaved, else 0.
  std::int32_t HeadsToUndo(std::string_view name) const;

  const std::shared_ptr<const GgufFile> file_;
  const std::string architecture_;
  const InterleavedHeads heads_;
};

// The block type that a tensor type is, if we compute with its blocks.
std::optional<kernels::GgufBlockType> BlockTypeOf(GgufTensorType type);

// The name of a Hugging Face tensor ("model.layers.0.mlp.up_proj.weight") in GGUF files
// ("blk.0.ffn_up.weight") of this architecture; nothing if it has none there.
std::optional<std::string> GgufTensorName(std::string_view name, std::string_view architecture);

}  // namespace quire::engine
