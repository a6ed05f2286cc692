#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/kv_append/kv_append.h"

namespace baleen::cuda {

std::string KvAppendProblem(const KvAppendArgs& args) {
  ArgumentCheck check("KvAppend");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("latent", args.latent, 4)
      .AtMost("latent", args.latent, kMaxLatent)
      .Multiple("latent", args.latent, 4)
      .AtLeast("rope", args.rope, 2)
      .AtMost("rope", args.rope, kMaxKvRope)
      .Multiple("rope", args.rope, 2)
      .That(args.type == DType::kF32 || args.type == DType::kBf16, "kv is neither F32 nor BF16")
      .AtLeast("ldkv", args.ldkv, args.latent + args.rope)
      .Multiple("ldkv in bytes", args.ldkv * static_cast<int64_t>(SizeOf(args.type)), 16)
      .Multiple("latent + rope", args.latent + args.rope, 4)
      .AtLeast("page_count", args.page_count, 0);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("kv", args.kv, 16)
      .Aligned("weight", args.weight, 16)
      .Aligned("frequencies", args.frequencies, 4)
      .Aligned("positions", args.positions, 4)
      .Aligned("blocks", args.blocks, 4)
      .Aligned("first_block", args.first_block, 4)
      .Aligned("pages", args.pages, 8);
  return check.problem();
}

}  // namespace baleen::cuda
