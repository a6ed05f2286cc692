#include <algorithm>

#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {
namespace {

void CheckScales(const GemmArgs& args, ArgumentCheck* check) {
  check->Aligned("x_scale", args.x_scale, 16)
      .Aligned("w_scale", args.w_scale, 4)
      .AtLeast("x_scale_stride", args.x_scale_stride, args.rows)
      .Multiple("x_scale_stride", args.x_scale_stride, 4);
}

void CheckTile(const GemmArgs& args, ArgumentCheck* check) {
  const std::span<const GemmTile> tiles = GemmTiles(args.input, args.output);
  check->That(std::find(tiles.begin(), tiles.end(), args.tile) != tiles.end(), "there is no such tile")
      .That(GemmTileSuits(args.tile, args.outputs), "the tile's cluster does not divide the tiles beside each other");
}

void CheckGroups(const GemmArgs& args, ArgumentCheck* check) {
  check->AtLeast("groups", args.groups, 1).AtMost("groups", args.groups, kMaxRowGroups);
  switch (args.grouping) {
    case RowGroups::kDense:
      check->That(args.groups == 1, "a dense product has one group");
      break;
    case RowGroups::kMasked:
      check->Multiple("rows", args.rows, args.groups < 1 ? 1 : args.groups);
      [[fallthrough]];
    case RowGroups::kContiguous:
      check->Aligned("group_rows", args.group_rows, 4);
      break;
    case RowGroups::kBatched: {
      const int64_t size = static_cast<int64_t>(SizeOf(args.input));
      check->Multiple("inputs of a batch in bytes", args.inputs * size, 128)
          .AtLeast("group_x_stride", args.group_x_stride, 0)
          .AtLeast("group_y_stride", args.group_y_stride, args.outputs)
          .Multiple("group_y_stride in bytes", args.group_y_stride * static_cast<int64_t>(SizeOf(args.output)), 16)
          .AtLeast("ldx", args.ldx, (args.groups - 1) * args.group_x_stride + args.inputs)
          .AtLeast("ldy", args.ldy, (args.groups - 1) * args.group_y_stride + args.outputs)
          .That(args.input == DType::kBf16, "batches are BF16");
      break;
    }
  }
}

}  // namespace

std::string GemmProblem(const GemmArgs& args) {
  ArgumentCheck check("Gemm");
  check.That(args.input == DType::kF8E4m3 || args.input == DType::kBf16, "input is neither F8_E4M3 nor BF16")
      .That(args.output == DType::kBf16 || args.output == DType::kF32, "output is neither BF16 nor F32")
      .AtLeast("rows", args.rows, 0)
      .AtLeast("outputs", args.outputs, 1)
      .AtLeast("inputs", args.inputs, 1)
      .AtMost("rows", args.rows, kMaxGemmSize)
      .AtMost("outputs", args.outputs, kMaxGemmSize)
      .AtMost("inputs", args.inputs, kMaxGemmSize);
  if (!check.problem().empty()) return check.problem();
  const int64_t in = static_cast<int64_t>(SizeOf(args.input));
  const int64_t out = static_cast<int64_t>(SizeOf(args.output));
  check.Multiple("outputs", args.outputs, args.output == DType::kBf16 ? 8 : 2)
      .Multiple("inputs in bytes", args.inputs * in, 16)
      .AtLeast("ldx", args.ldx, args.inputs)
      .AtLeast("ldy", args.ldy, args.outputs)
      .Multiple("ldx in bytes", args.ldx * in, 16)
      .Multiple("ldy in bytes", args.ldy * out, 16)
      .AtMost("ldx", args.ldx, kMaxGemmSize)
      .AtMost("ldy", args.ldy, kMaxGemmSize)
      .AtLeast("expected_rows", args.expected_rows, 0);
  CheckGroups(args, &check);
  if (args.tile.rows != 0) CheckTile(args, &check);
  if (!check.problem().empty()) return check.problem();
  check.AtMost("groups * outputs", args.groups * args.outputs, kMaxGemmSize);
  const int64_t all_rows = args.grouping == RowGroups::kBatched ? args.groups * args.rows : args.rows;
  check.AtMost("rows of all groups", all_rows, kMaxGemmElements / args.outputs);
  if (args.rows == 0) return check.problem();
  check.Aligned("x", args.x, 16).Aligned("w", args.w, 16).Aligned("y", args.y, 16);
  if (args.input == DType::kF8E4m3) CheckScales(args, &check);
  return check.problem();
}

GemmSizes GemmSizesOf(const GemmArgs& args) {
  GemmSizes sizes = {args.input, args.output, args.groups, args.expected_rows, args.outputs, args.inputs};
  const bool all_rows_each = args.grouping == RowGroups::kDense || args.grouping == RowGroups::kBatched;
  if (sizes.rows == 0) sizes.rows = all_rows_each ? args.rows : Ceiling(args.rows, args.groups);
  return sizes;
}

GemmTile GemmTileOf(const GemmArgs& args, int multiprocessors) {
  return args.tile.rows != 0 ? args.tile : ChooseGemmTile(GemmSizesOf(args), multiprocessors);
}

}  // namespace baleen::cuda
