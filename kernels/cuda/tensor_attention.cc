#include "kernels/cuda/tensor_attention.h"

namespace quire::kernels::cuda {

bool HasTensorAttention(int head_dim) {
  switch (head_dim) {
    case 64:
    case 80:
    case 96:
    case 128:
    case 256:
      return true;
    default:
      return false;
  }
}

int TensorAttentionRows(int head_dim) { return head_dim <= 128 ? 128 : 64; }

}  // namespace quire::kernels::cuda
