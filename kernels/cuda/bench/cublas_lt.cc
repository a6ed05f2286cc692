#include "kernels/cuda/bench/cublas_lt.h"

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

namespace baleen::cuda::bench {
namespace {

constexpr size_t kWorkspaceBytes = size_t{64} << 20;

Status FromCublas(cublasStatus_t error, const char* what) {
  if (error == CUBLAS_STATUS_SUCCESS) return Status();
  return Status(std::string(what) + ": " + cublasLtGetStatusString(error));
}

cudaDataType_t TypeOf(DType type) { return type == DType::kF8E4m3 ? CUDA_R_8F_E4M3 : type == DType::kBf16 ? CUDA_R_16BF : CUDA_R_32F; }

}  // namespace

// cuBLASLt is column-major: y^T [outputs, rows] = w^T' x', with w as its A (transposed) and x as its B.
struct CublasLtProduct::Impl {
  explicit Impl(const GemmArgs& args) : args(args) {}
  ~Impl() {
    cublasLtMatmulPreferenceDestroy(preference);
    cublasLtMatrixLayoutDestroy(w);
    cublasLtMatrixLayoutDestroy(x);
    cublasLtMatrixLayoutDestroy(y);
    cublasLtMatmulDescDestroy(operation);
    cublasLtDestroy(handle);
    cudaFree(workspace);
  }

  bool Set(cublasLtMatmulDescAttributes_t attribute, const void* value, size_t bytes) {
    return cublasLtMatmulDescSetAttribute(operation, attribute, value, bytes) == CUBLAS_STATUS_SUCCESS;
  }

  Status Describe() {
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const cudaDataType_t in = TypeOf(args.input);
    if (cublasLtCreate(&handle) != CUBLAS_STATUS_SUCCESS) return Status("cuBLASLt does not start");
    if (cudaMalloc(&workspace, kWorkspaceBytes) != cudaSuccess) return Status("no memory for cuBLASLt's workspace");
    cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    Set(CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed));
    cublasLtMatrixLayoutCreate(&w, in, static_cast<uint64_t>(args.inputs), static_cast<uint64_t>(args.outputs), args.inputs);
    cublasLtMatrixLayoutCreate(&x, in, static_cast<uint64_t>(args.inputs), static_cast<uint64_t>(args.rows), args.ldx);
    cublasLtMatrixLayoutCreate(&y, TypeOf(args.output), static_cast<uint64_t>(args.outputs), static_cast<uint64_t>(args.rows), args.ldy);
    cublasLtMatmulPreferenceCreate(&preference);
    return FromCublas(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspaceBytes,
                                                           sizeof(kWorkspaceBytes)),
                      "cuBLASLt's preferences");
  }

  void UseBlockScales(bool use) {
    const cublasLtMatmulMatrixScale_t w_mode = use ? CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F : CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
    const cublasLtMatmulMatrixScale_t x_mode = use ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F : CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
    Set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &w_mode, sizeof(w_mode));
    Set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &x_mode, sizeof(x_mode));
    Set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &args.w_scale, sizeof(args.w_scale));
    Set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &args.x_scale, sizeof(args.x_scale));
  }

  Status Search() {
    int found = 0;
    const cublasStatus_t error = cublasLtMatmulAlgoGetHeuristic(handle, operation, w, x, y, y, preference, 1, &algorithm, &found);
    if (error == CUBLAS_STATUS_SUCCESS && found == 0) return Status("cuBLASLt has no algorithm");
    return FromCublas(error, "cuBLASLt's heuristics");
  }

  GemmArgs args;
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t w = nullptr;
  cublasLtMatrixLayout_t x = nullptr;
  cublasLtMatrixLayout_t y = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t algorithm = {};
  void* workspace = nullptr;
};

CublasLtProduct::CublasLtProduct(const GemmArgs& args) : impl_(std::make_unique<Impl>(args)) {
  status_ = impl_->Describe();
  if (!status_.ok()) return;
  if (args.input != DType::kF8E4m3) {
    status_ = impl_->Search();
    return;
  }
  impl_->UseBlockScales(true);
  name_ = "cuBLASLt, block scales";
  if (impl_->Search().ok()) return;
  impl_->UseBlockScales(false);
  name_ = "cuBLASLt, one scale";
  status_ = impl_->Search();
}

CublasLtProduct::~CublasLtProduct() = default;

Status CublasLtProduct::Run(Stream stream) const {
  const float one = 1;
  const float zero = 0;
  const GemmArgs& args = impl_->args;
  return FromCublas(cublasLtMatmul(impl_->handle, impl_->operation, &one, args.w, impl_->w, args.x, impl_->x, &zero, args.y, impl_->y,
                                   args.y, impl_->y, &impl_->algorithm.algo, impl_->workspace, kWorkspaceBytes, stream),
                    "cuBLASLt");
}

}  // namespace baleen::cuda::bench
