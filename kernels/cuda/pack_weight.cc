#include "kernels/cuda/pack_weight.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda/pack_codes.h"
#include "kernels/cuda/packed_weight.h"
#include "kernels/cuda/weight_plan.h"

namespace quire::kernels::cuda {
namespace {

// Codes on their way to the device at a time.
constexpr std::int64_t kChunkBytes = std::int64_t{32} << 20;

std::int64_t AlignedBytes(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

// Copies a weight, some tiles at a time.
class Packer {
 public:
  Packer(const QuantizedWeight& host, const WeightPlan& plan, cpu::ThreadPool& pool,
         CudaStream& stream)
      : host_(host), plan_(plan), pool_(pool), stream_(stream) {}

  int chunk_tiles() const {
    const std::int64_t tile_bytes = std::max<std::int64_t>(1, host_.layout().in * kTileOutputs);
    return static_cast<int>(
        std::clamp<std::int64_t>(kChunkBytes / tile_bytes, 1, std::max(1, plan_.view.tiles)));
  }
  std::int64_t staging_bytes() const {
    return std::int64_t{chunk_tiles()} * kTileOutputs * host_.layout().in;
  }

  // `to`: the weight's memory; `staging`: staging_bytes() of the device.
  void Run(const WeightView& to, std::uint8_t* staging) {
    const auto place = [](const std::uint8_t* base, std::int64_t offset) {
      return const_cast<std::uint8_t*>(base) + offset;
    };
    const WeightView& view = plan_.view;
    for (int first = 0; first < view.tiles; first += chunk_tiles()) {
      const int tiles = std::min(chunk_tiles(), view.tiles - first);
      ReadChunk(first, tiles);
      const std::int64_t rows = std::min(view.out - std::int64_t{first} * kTileOutputs,
                                         std::int64_t{tiles} * kTileOutputs);
      Copy(staging, codes_.data(), rows * view.in);
      PackCodes(staging, rows, tiles, to, place(to.codes, plan_.codes_bytes() / view.tiles * first),
                stream_);
      Copy(place(to.terms, plan_.terms_bytes() / view.tiles * first), terms_.data(),
           plan_.terms_bytes() / view.tiles * tiles);
      Copy(place(to.steps, plan_.steps_bytes() / view.tiles * first), steps_.data(),
           plan_.steps_bytes() / view.tiles * tiles);
      stream_.Record(cudaStreamSynchronize(stream_.handle()));  // the buffers are written again
    }
  }

 private:
  void ReadChunk(int first_tile, int tiles) {
    const WeightView& view = plan_.view;
    const std::int64_t terms_bytes = plan_.terms_bytes() / view.tiles;
    const std::int64_t steps_bytes = plan_.steps_bytes() / view.tiles;
    codes_.resize(static_cast<std::size_t>(staging_bytes()));
    terms_.resize(static_cast<std::size_t>(terms_bytes * tiles));
    steps_.resize(static_cast<std::size_t>(steps_bytes * tiles));
    pool_.Run(tiles, [&](std::int64_t i, int) {
      const int tile = first_tile + static_cast<int>(i);
      const std::int64_t row = std::int64_t{tile} * kTileOutputs;
      host_.ReadCodes(row, std::min<std::int64_t>(kTileOutputs, view.out - row),
                      codes_.data() + i * kTileOutputs * view.in);
      WriteTerms(host_, plan_, tile, 1, terms_.data() + i * terms_bytes,
                 steps_.data() + i * steps_bytes);
    });
  }
  void Copy(void* to, const void* from, std::int64_t size_bytes) {
    if (size_bytes == 0) return;
    stream_.Record(cudaMemcpyAsync(to, from, static_cast<std::size_t>(size_bytes),
                                   cudaMemcpyHostToDevice, stream_.handle()));
  }

  const QuantizedWeight& host_;
  const WeightPlan& plan_;
  cpu::ThreadPool& pool_;
  CudaStream& stream_;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint8_t> terms_;
  std::vector<std::uint8_t> steps_;
};

}  // namespace

StatusOr<std::unique_ptr<PackedWeight>> PackCudaWeight(const QuantizedWeight& host,
                                                       cpu::ThreadPool& pool, CudaStream& stream) {
  const WeightPlan plan = PlanWeight(host.layout());
  const std::int64_t terms_at = AlignedBytes(plan.codes_bytes());
  const std::int64_t steps_at = terms_at + AlignedBytes(plan.terms_bytes());
  const std::int64_t inputs_at = steps_at + AlignedBytes(plan.steps_bytes());
  const std::int64_t size_bytes = inputs_at + plan.inputs_bytes();
  Packer packer(host, plan, pool, stream);

  void* memory = nullptr;
  const auto allocated = static_cast<std::size_t>(std::max<std::int64_t>(size_bytes, 1));
  if (cudaMalloc(&memory, allocated) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
    return ResourceExhausted("{} [{}, {}]: wanted {} bytes, the device has not that much",
                             host.layout().format, plan.view.out, plan.view.in, size_bytes);
  }
  auto* const bytes = static_cast<std::uint8_t*>(memory);
  WeightView view = plan.view;
  view.codes = bytes;
  view.terms = bytes + terms_at;
  view.steps = bytes + steps_at;
  if (!plan.keeps_order) {
    view.inputs = reinterpret_cast<const std::int32_t*>(bytes + inputs_at);
    stream.Record(cudaMemcpyAsync(bytes + inputs_at, plan.inputs.data(),
                                  static_cast<std::size_t>(plan.inputs_bytes()),
                                  cudaMemcpyHostToDevice, stream.handle()));
  }
  auto packed = std::make_unique<CudaPackedWeight>(view, memory, size_bytes);
  auto* const staging = static_cast<std::uint8_t*>(stream.Scratch(packer.staging_bytes()));
  if (staging != nullptr) packer.Run(view, staging);
  stream.Record(cudaStreamSynchronize(stream.handle()));
  if (const cudaError_t error = stream.TakeError(); error == cudaErrorMemoryAllocation) {
    return ResourceExhausted("{}: wanted {} bytes to pack it, the device has not that much",
                             host.layout().format, packer.staging_bytes());
  } else if (error != cudaSuccess) {
    return Internal("{}: {}", host.layout().format, cudaGetErrorString(error));
  }
  return packed;
}

}  // namespace quire::kernels::cuda
