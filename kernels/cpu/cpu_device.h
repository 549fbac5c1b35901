#pragma once

#include <memory>

#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/device.h"

namespace quire::kernels::cpu {

// The cores of this machine with one instruction set. Streams of one device share its threads and
// take turns, operation by operation. Thread-safe.
class CpuDevice final : public Device {
 public:
  CpuDevice(const Microkernels& microkernels, std::shared_ptr<ThreadPool> pool);

  std::string_view name() const override { return microkernels_.name; }
  const KernelTable& kernels() const override;
  // Measured with scheduling_bench, part pieces: engine/FIGURES.md.
  int efficient_batch_tokens() const override { return 128; }
  StatusOr<std::unique_ptr<Stream>> NewStream() override;
  StatusOr<std::unique_ptr<DeviceMemory>> Allocate(std::int64_t size_bytes) override;
  StatusOr<std::unique_ptr<DeviceMemory>> AllocateHost(std::int64_t size_bytes) override;
  StatusOr<ImportedWeight> ImportWeight(const MatrixView& host) override;
  Status ValidateKvType(DType dtype) const override;
  StatusOr<std::unique_ptr<PackedWeight>> PackWeight(const QuantizedWeight& host) override;
  void CopyToDevice(void* device, const void* host, std::int64_t size_bytes,
                    Stream& stream) override;
  void CopyToHost(void* host, const void* device, std::int64_t size_bytes, Stream& stream) override;
  Status Synchronize(Stream& stream) override;
  StatusOr<Peaks> MeasurePeaks() override;

 private:
  const Microkernels& microkernels_;
  // Shared by the CPU devices of one EnumerateDevices call, so that unused ones cost no threads.
  const std::shared_ptr<ThreadPool> pool_;
};

// One device for each usable instruction set, fastest first.
std::vector<std::unique_ptr<Device>> EnumerateCpuDevices(const DeviceOptions& options);

}  // namespace quire::kernels::cpu
