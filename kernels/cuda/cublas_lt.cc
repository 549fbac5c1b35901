#include "kernels/cuda/cublas_lt.h"

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <dlfcn.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "kernels/cuda/cuda_stream.h"

namespace quire::kernels::cuda {
namespace {

// The functions of the library that are used.
struct Functions {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
};

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

std::optional<Functions> LoadFunctions() {
  void* library = nullptr;
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
  }
  if (library == nullptr) return std::nullopt;
  Functions f;
  const bool found = Find(library, "cublasLtCreate", f.create) &&
                     Find(library, "cublasLtMatmul", f.matmul) &&
                     Find(library, "cublasLtMatmulAlgoGetHeuristic", f.heuristic) &&
                     Find(library, "cublasLtMatmulDescCreate", f.desc_create) &&
                     Find(library, "cublasLtMatmulDescDestroy", f.desc_destroy) &&
                     Find(library, "cublasLtMatmulDescSetAttribute", f.desc_set) &&
                     Find(library, "cublasLtMatrixLayoutCreate", f.layout_create) &&
                     Find(library, "cublasLtMatrixLayoutDestroy", f.layout_destroy) &&
                     Find(library, "cublasLtMatmulPreferenceCreate", f.preference_create) &&
                     Find(library, "cublasLtMatmulPreferenceDestroy", f.preference_destroy) &&
                     Find(library, "cublasLtMatmulPreferenceSetAttribute", f.preference_set);
  if (!found) return std::nullopt;
  return f;
}

// The largest power of two up to 256, which the library counts on by itself, that divides an
// address.
std::uint32_t AlignmentOf(const void* address) {
  const auto bits = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(address) & 255u);
  return bits == 0 ? 256 : bits & (0u - bits);
}

// What decides which kernel the library takes.
struct ProblemKey {
  int device;
  std::int64_t rows;
  std::int64_t in;
  std::int64_t out;
  std::int64_t weight_stride;
  std::int64_t y_stride;
  DType dtype;  // of the weight
  bool has_bias;
  std::uint32_t weight_alignment;
  std::uint32_t y_alignment;

  auto operator<=>(const ProblemKey&) const = default;
};

// A product's description, which is in columns: y^T = W x^T.
class Problem {
 public:
  Problem(const Functions& functions, const LibraryProduct& p) : f_(functions) {
    const auto type = p.weight.dtype == DType::kBF16 ? CUDA_R_16BF : CUDA_R_16F;
    const auto rows = static_cast<std::uint64_t>(p.y.rows);
    const auto in = static_cast<std::uint64_t>(p.weight.cols);
    const auto out = static_cast<std::uint64_t>(p.weight.rows);
    Check(f_.desc_create(&desc_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    Check(f_.layout_create(&weight_, type, in, out, p.weight.row_stride));
    Check(f_.layout_create(&x_, type, in, rows, p.weight.cols));
    Check(f_.layout_create(&y_, CUDA_R_32F, out, rows, p.y.row_stride));
    if (!is_good_) return;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    Set(CUBLASLT_MATMUL_DESC_TRANSA, transposed);
    if (p.bias != nullptr) {
      Set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      Set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
    }
  }
  ~Problem() {
    if (y_ != nullptr) f_.layout_destroy(y_);
    if (x_ != nullptr) f_.layout_destroy(x_);
    if (weight_ != nullptr) f_.layout_destroy(weight_);
    if (desc_ != nullptr) f_.desc_destroy(desc_);
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  std::optional<cublasLtMatmulAlgo_t> ChooseAlgorithm(cublasLtHandle_t handle,
                                                      const ProblemKey& key) const {
    if (!is_good_) return std::nullopt;
    cublasLtMatmulPreference_t preference = nullptr;
    if (f_.preference_create(&preference) != CUBLAS_STATUS_SUCCESS) return std::nullopt;
    bool is_chosen = true;
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      is_chosen = is_chosen && f_.preference_set(preference, attribute, &value, sizeof(value)) ==
                                   CUBLAS_STATUS_SUCCESS;
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{CublasLt::kWorkspaceBytes});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.weight_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.y_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.y_alignment);
    cublasLtMatmulHeuristicResult_t result = {};
    int found = 0;
    is_chosen = is_chosen &&
                f_.heuristic(handle, desc_, weight_, x_, y_, y_, preference, 1, &result, &found) ==
                    CUBLAS_STATUS_SUCCESS &&
                found > 0;
    f_.preference_destroy(preference);
    if (!is_chosen) return std::nullopt;
    return result.algo;
  }

  bool Run(cublasLtHandle_t handle, const LibraryProduct& p, const cublasLtMatmulAlgo_t& algorithm,
           cudaStream_t stream) const {
    if (!is_good_) return false;
    const float alpha = 1.0f;
    const float beta = p.accumulate ? 1.0f : 0.0f;
    return f_.matmul(handle, desc_, &alpha, p.weight.data, weight_, p.x, x_, &beta, p.y.data, y_,
                     p.y.data, y_, &algorithm, p.workspace,
                     static_cast<std::size_t>(CublasLt::kWorkspaceBytes),
                     stream) == CUBLAS_STATUS_SUCCESS;
  }

 private:
  void Check(cublasStatus_t status) { is_good_ = is_good_ && status == CUBLAS_STATUS_SUCCESS; }
  template <typename T>
  void Set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    Check(f_.desc_set(desc_, attribute, &value, sizeof(value)));
  }

  const Functions& f_;
  bool is_good_ = true;
  cublasLtMatmulDesc_t desc_ = nullptr;
  cublasLtMatrixLayout_t weight_ = nullptr;
  cublasLtMatrixLayout_t x_ = nullptr;
  cublasLtMatrixLayout_t y_ = nullptr;
};

class LoadedCublasLt final : public CublasLt {
 public:
  explicit LoadedCublasLt(const Functions& functions) : f_(functions) {}

  bool Multiply(const LibraryProduct& product, CudaStream& stream) override {
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) return false;
    const Problem problem(f_, product);
    const ProblemKey key = {.device = device,
                            .rows = product.y.rows,
                            .in = product.weight.cols,
                            .out = product.weight.rows,
                            .weight_stride = product.weight.row_stride,
                            .y_stride = product.y.row_stride,
                            .dtype = product.weight.dtype,
                            .has_bias = product.bias != nullptr,
                            .weight_alignment = AlignmentOf(product.weight.data),
                            .y_alignment = AlignmentOf(product.y.data)};
    cublasLtHandle_t handle = nullptr;
    std::optional<cublasLtMatmulAlgo_t> algorithm;
    {
      const std::lock_guard lock(mutex_);
      handle = HandleOf(device);
      if (handle == nullptr) return false;
      auto [entry, is_first] = algorithms_.try_emplace(key);
      if (is_first) entry->second = problem.ChooseAlgorithm(handle, key);
      algorithm = entry->second;
    }
    return algorithm.has_value() && problem.Run(handle, product, *algorithm, stream.handle());
  }

 private:
  // Of the current device. Null if the library gives none. Requires: mutex_ is held.
  cublasLtHandle_t HandleOf(int device) {
    auto [entry, is_first] = handles_.try_emplace(device, nullptr);
    if (is_first && f_.create(&entry->second) != CUBLAS_STATUS_SUCCESS) entry->second = nullptr;
    return entry->second;
  }

  const Functions f_;
  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<ProblemKey, std::optional<cublasLtMatmulAlgo_t>> algorithms_;
};

}  // namespace

CublasLt* CublasLt::OfProcess() {
  static CublasLt* const kLibrary = []() -> CublasLt* {
    const std::optional<Functions> functions = LoadFunctions();
    return functions ? new LoadedCublasLt(*functions) : nullptr;
  }();
  return kLibrary;
}

}  // namespace quire::kernels::cuda
