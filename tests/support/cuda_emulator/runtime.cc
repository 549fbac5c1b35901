#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/cuda_emulator/include/cuda_runtime.h"

// What a captured stream does, in order. Returns false after a fault.
using Work = std::function<bool()>;

struct EmulatedGraph {
  std::vector<Work> nodes;
};
struct EmulatedGraphExec {
  std::vector<Work> nodes;
};
struct EmulatedStream {
  cudaError_t error = cudaSuccess;         // of the kernels, until somebody waits for them
  std::unique_ptr<EmulatedGraph> capture;  // null: what is enqueued runs
  bool is_capture_valid = false;
};
struct EmulatedEvent {
  std::chrono::steady_clock::time_point recorded;
};

namespace {

constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises
constexpr std::size_t kDefaultShared = std::size_t{48} << 10;
constexpr std::size_t kTotalBytes = std::size_t{4} << 30;

struct State {
  std::mutex mutex;
  std::map<const unsigned char*, std::size_t> allocations;
  std::size_t allocated_bytes = 0;
  std::map<const void*, std::size_t> shared_limits;  // by kernel
};

State& TheState() {
  static State* const state = new State;
  return *state;
}

thread_local cudaError_t last_error = cudaSuccess;
// The stream that this thread captures, in the mode of that name; null: none.
thread_local cudaStream_t captured_stream = nullptr;

cudaError_t Return(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

// Calls that a capture does not allow, as in thread-local mode: the capture is lost by them.
bool BreaksCapture() {
  if (captured_stream == nullptr) return false;
  captured_stream->is_capture_valid = false;
  return true;
}

// Now, or when the graph is launched that `stream` is captured into.
cudaError_t Enqueue(cudaStream_t stream, Work work) {
  if (stream != nullptr && stream->capture != nullptr) {
    stream->capture->nodes.push_back(std::move(work));
    return cudaSuccess;
  }
  // As on a GPU the launch itself went well; the error comes when somebody waits.
  if (!work() && stream != nullptr) stream->error = cudaErrorLaunchFailure;
  return cudaSuccess;
}

// QUIRE_EMULATED_SM=80, 86, 89 or 90.
int ComputeCapability() {
  const char* const wanted = std::getenv("QUIRE_EMULATED_SM");
  return wanted == nullptr ? 90 : std::atoi(wanted);
}

// Source: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
std::size_t MaxShared() {
  switch (ComputeCapability()) {
    case 80:
      return std::size_t{163} << 10;
    case 90:
      return std::size_t{227} << 10;
    default:
      return std::size_t{99} << 10;
  }
}

// A range of device memory as a copy names it: it must lie in one allocation.
bool IsDeviceMemory(const void* p, std::size_t bytes) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  const auto* begin = static_cast<const unsigned char*>(p);
  auto it = state.allocations.upper_bound(begin);
  if (it == state.allocations.begin()) return bytes == 0;
  --it;
  return begin + bytes <= it->first + it->second;
}

cudaError_t CheckCopy(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (to_device && !IsDeviceMemory(to, bytes)) return Return(cudaErrorInvalidValue);
  if (from_device && !IsDeviceMemory(from, bytes)) return Return(cudaErrorInvalidValue);
  return cudaSuccess;
}

// Memory of the exact size, so that AddressSanitizer sees its end, full of poison.
void* AllocatePoisoned(std::size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, std::max<std::size_t>(bytes, 1)) != 0) return nullptr;
  std::memset(data, quire::cuda_emulator::kPoison, bytes);
  return data;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return Return(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = static_cast<int>(quire::cuda_emulator::kMaxThreads);
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(kDefaultShared);
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = 132;
      return cudaSuccess;
    case cudaDevAttrL2CacheSize:
      *value = 50 << 20;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = ComputeCapability() / 10;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = ComputeCapability() % 10;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(MaxShared());
      return cudaSuccess;
  }
  return Return(cudaErrorInvalidValue);
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  *total = kTotalBytes;
  *free = kTotalBytes - std::min(kTotalBytes, state.allocated_bytes);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new EmulatedStream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream != nullptr && stream->capture != nullptr) {
    stream->is_capture_valid = false;
    return Return(cudaErrorStreamCaptureUnsupported);
  }
  const cudaError_t error = stream == nullptr ? cudaSuccess : stream->error;
  if (stream != nullptr) stream->error = cudaSuccess;
  return Return(error);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new EmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->recorded = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  *milliseconds =
      std::chrono::duration<float, std::milli>(stop->recorded - start->recorded).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (mode != cudaStreamCaptureModeThreadLocal) return Return(cudaErrorNotSupported);
  if (stream == nullptr || captured_stream != nullptr) {
    return Return(cudaErrorStreamCaptureUnsupported);
  }
  captured_stream = stream;
  stream->capture = std::make_unique<EmulatedGraph>();
  stream->is_capture_valid = true;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (stream == nullptr || stream != captured_stream) return Return(cudaErrorInvalidValue);
  captured_stream = nullptr;
  std::unique_ptr<EmulatedGraph> captured = std::move(stream->capture);
  if (!stream->is_capture_valid) return Return(cudaErrorStreamCaptureInvalidated);
  *graph = captured.release();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  *executable = new EmulatedGraphExec{graph->nodes};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return Enqueue(stream, [nodes = executable->nodes] {
    return std::ranges::all_of(nodes, [](const Work& node) { return node(); });
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (BreaksCapture()) return Return(cudaErrorStreamCaptureUnsupported);
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  *data = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (bytes > kTotalBytes - std::min(kTotalBytes, state.allocated_bytes)) {
    return Return(cudaErrorMemoryAllocation);
  }
  *data = AllocatePoisoned(bytes);
  if (*data == nullptr) return Return(cudaErrorMemoryAllocation);
  state.allocations.emplace(static_cast<const unsigned char*>(*data), bytes);
  state.allocated_bytes += bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  if (data == nullptr) return cudaSuccess;
  if (BreaksCapture()) return Return(cudaErrorStreamCaptureUnsupported);
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  const auto it = state.allocations.find(static_cast<const unsigned char*>(data));
  if (it == state.allocations.end()) return Return(cudaErrorInvalidValue);
  state.allocated_bytes -= it->second;
  state.allocations.erase(it);
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned) {
  *data = AllocatePoisoned(bytes);
  return Return(*data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
cudaError_t cudaFreeHost(void* data) {
  std::free(data);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (const cudaError_t error = CheckCopy(to, from, bytes, kind); error != cudaSuccess) {
    return error;
  }
  return Enqueue(stream, [=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
    return true;
  });
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (BreaksCapture()) return Return(cudaErrorStreamCaptureUnsupported);
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  if (width > to_pitch || width > from_pitch) return Return(cudaErrorInvalidValue);
  for (std::size_t row = 0; row < height; ++row) {
    const cudaError_t error =
        cudaMemcpy(static_cast<char*>(to) + row * to_pitch,
                   static_cast<const char*>(from) + row * from_pitch, width, kind);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (!IsDeviceMemory(data, bytes)) return Return(cudaErrorInvalidValue);
  return Enqueue(stream, [=] {
    if (bytes > 0) std::memset(data, value, bytes);
    return true;
  });
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorString(cudaError_t error) {
  thread_local std::string text;
  text = fmt::format("emulated CUDA error {}", static_cast<int>(error));
  if (error == cudaErrorLaunchFailure) text += ": " + quire::cuda_emulator::LastFault();
  return text.c_str();
}
const char* cudaGetErrorName(cudaError_t error) { return cudaGetErrorString(error); }

namespace quire::cuda_emulator {

cudaError_t SetDynamicSharedLimit(const void* kernel, int bytes) {
  if (bytes < 0 || static_cast<std::size_t>(bytes) > MaxShared()) {
    return Return(cudaErrorInvalidValue);
  }
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.shared_limits[kernel] = static_cast<std::size_t>(bytes);
  return cudaSuccess;
}

cudaError_t LaunchKernel(const cudaLaunchConfig_t& config, const void* kernel,
                         const std::function<void()>& body) {
  const dim3& grid = config.gridDim;
  const dim3& block = config.blockDim;
  std::size_t limit = kDefaultShared;
  {
    State& state = TheState();
    const std::lock_guard lock(state.mutex);
    const auto it = state.shared_limits.find(kernel);
    if (it != state.shared_limits.end()) limit = std::max(limit, it->second);
  }
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 0xffffu ||
      grid.z > 0xffffu || block.x == 0 || block.y == 0 || block.z == 0 || block.z > 64 ||
      block.x * block.y * block.z > kMaxThreads) {
    return Return(cudaErrorInvalidConfiguration);
  }
  if (config.dynamicSmemBytes > limit) return Return(cudaErrorInvalidValue);
  const GridShape shape = {grid, block, config.dynamicSmemBytes};
  return Enqueue(config.stream, [shape, body] { return RunGrid(shape, body); });
}

}  // namespace quire::cuda_emulator
