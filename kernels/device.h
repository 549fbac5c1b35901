#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kernels/kernel_table.h"
#include "kernels/peaks.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/quantized_linear.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// Memory on a device, freed with the object. On a CPU the pointer is ordinary memory, 64-byte
// aligned, in huge pages where the system grants them.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual void* data() const = 0;
  virtual std::int64_t size_bytes() const = 0;
};

// A weight where the kernels of a device read it. `owner` is null where the view borrows the
// caller's memory, which must then outlive it.
struct ImportedWeight {
  MatrixView view;
  std::unique_ptr<DeviceMemory> owner;
};

// Work that was recorded once, to be enqueued as one: on NVIDIA a CUDA graph.
class Recording {
 public:
  virtual ~Recording() = default;
};

// One CPU or GPU. Virtual because every member is cold: set-up, transfers, waiting. Compute goes
// through kernels(). Thread-safe.
class Device {
 public:
  virtual ~Device() = default;
  // "cpu/avx512", "cuda:0/sm90", ...: printed in logs, metrics and benchmark names.
  virtual std::string_view name() const = 0;
  virtual const KernelTable& kernels() const = 0;
  // Tokens of a step from which on more do not make a token cheaper: a step of a language model
  // with this many is as fast per token as any, and short.
  virtual int efficient_batch_tokens() const = 0;
  virtual StatusOr<std::unique_ptr<Stream>> NewStream() = 0;

  // Bytes of its own memory that could still be allocated; null if it computes in the host's.
  virtual std::optional<std::int64_t> free_bytes() { return std::nullopt; }
  // Uninitialized memory. Returns RESOURCE_EXHAUSTED if the device has not that much.
  virtual StatusOr<std::unique_ptr<DeviceMemory>> Allocate(std::int64_t size_bytes) = 0;
  // Uninitialized memory of the host from which and to which copies are fastest: pinned, where that
  // makes a difference. Returns RESOURCE_EXHAUSTED if the host has not that much.
  virtual StatusOr<std::unique_ptr<DeviceMemory>> AllocateHost(std::int64_t size_bytes) = 0;
  // Puts a host matrix into the layout that `linear` and `embed_rows` read fastest. A CPU borrows
  // it as it is if its alignment allows.
  virtual StatusOr<ImportedWeight> ImportWeight(const MatrixView& host) = 0;
  // Returns UNIMPLEMENTED unless `store_kv` and `paged_attention` take a KV cache of this type.
  virtual Status ValidateKvType(DType dtype) const = 0;
  // The type that attention is fastest with here and whose rounding nobody minds.
  virtual DType preferred_kv_type() const { return DType::kF32; }
  // Puts a quantized weight into the layout that `quantized_linear` reads fastest, on all threads.
  // `host` is not needed afterwards. Returns UNIMPLEMENTED naming format and device if there are no
  // kernels for it, RESOURCE_EXHAUSTED if the device lacks memory.
  virtual StatusOr<std::unique_ptr<PackedWeight>> PackWeight(const QuantizedWeight& host) = 0;
  // Copies between host and device in stream order.
  virtual void CopyToDevice(void* device, const void* host, std::int64_t size_bytes,
                            Stream& stream) = 0;
  virtual void CopyToHost(void* host, const void* device, std::int64_t size_bytes,
                          Stream& stream) = 0;
  // Whether what is enqueued runs beside the thread that enqueues it. On a CPU it has run by then.
  virtual bool is_asynchronous() const { return false; }
  // Calls `enqueue`, which may use `stream` alone and neither copies from or to memory of the host
  // nor waits, and keeps what it enqueues instead of running it. Null, and nothing is enqueued, if
  // the device needs none (a CPU) or if some operation needed more memory than the stream has so
  // far: what ran once on it needs no more.
  virtual std::unique_ptr<Recording> Record(Stream& stream, const std::function<void()>& enqueue) {
    static_cast<void>(stream);
    static_cast<void>(enqueue);
    return nullptr;
  }
  // Enqueues what was recorded on `stream`: the same kernels with the same arguments, over what is
  // in memory now. Returns false, and nothing is enqueued, if memory that it uses is gone.
  virtual bool Replay(const Recording& recording, Stream& stream) {
    static_cast<void>(recording);
    static_cast<void>(stream);
    return false;
  }
  // Waits for everything enqueued on `stream`. Returns INTERNAL if any launch or kernel failed
  // since the last call, UNAVAILABLE if the device is lost by it.
  virtual Status Synchronize(Stream& stream) = 0;
  // UNAVAILABLE, naming the error, once the device is lost: everything on it fails from then on,
  // until another process takes it up. A CPU never is.
  virtual Status health() const { return OkStatus(); }

  // Measures, which takes about a second and 256 MiB on the device. Returns RESOURCE_EXHAUSTED if
  // there is not that much memory.
  virtual StatusOr<Peaks> MeasurePeaks() = 0;
};

struct DeviceOptions {
  // CPU threads that work on one operation; 0 means every core this process may use.
  int num_threads = 0;
};

// Devices usable in this process, fastest first. Never empty: the baseline CPU is always there.
std::vector<std::unique_ptr<Device>> EnumerateDevices(const DeviceOptions& options = {});

// The fastest device whose name starts with `prefix`: "" (any), "cpu", "cpu/avx2", "cuda:0".
// Returns NOT_FOUND naming the devices there are.
StatusOr<std::unique_ptr<Device>> FindDevice(std::string_view prefix,
                                             const DeviceOptions& options = {});

}  // namespace quire::kernels
