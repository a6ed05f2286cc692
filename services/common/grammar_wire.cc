#include "services/common/grammar_wire.h"

#include <limits>

#include "proto/baleen/v1/common.pb.h"

namespace baleen {
namespace {

constexpr uint32_t kTokenMax = std::numeric_limits<int32_t>::max();

void PieceToWire(const GrammarPiece& piece, v1::GrammarPiece* wire) {
  if (const auto* literal = std::get_if<GrammarLiteral>(&piece)) {
    wire->set_literal(literal->text);
  } else if (const auto* token = std::get_if<GrammarToken>(&piece)) {
    wire->set_token(static_cast<uint32_t>(token->id));
  } else {
    wire->set_json_schema(std::get<GrammarJsonSchema>(piece).schema);
  }
}

absl::StatusOr<GrammarPiece> PieceFromWire(const v1::GrammarPiece& wire) {
  switch (wire.piece_case()) {
    case v1::GrammarPiece::kLiteral:
      return GrammarPiece(GrammarLiteral{wire.literal()});
    case v1::GrammarPiece::kToken:
      if (wire.token() > kTokenMax) break;
      return GrammarPiece(GrammarToken{static_cast<int32_t>(wire.token())});
    case v1::GrammarPiece::kJsonSchema:
      return GrammarPiece(GrammarJsonSchema{wire.json_schema()});
    default:
      break;
  }
  return absl::InvalidArgumentError("grammar: a piece is neither literal, token nor json_schema");
}

}  // namespace

void GrammarToWire(const GrammarSpec& spec, v1::Grammar* wire) {
  for (const std::vector<GrammarPiece>& pieces : spec.alternatives) {
    v1::GrammarSequence* sequence = wire->add_alternatives();
    for (const GrammarPiece& piece : pieces) PieceToWire(piece, sequence->add_pieces());
  }
  if (spec.after_token) wire->set_after_token(static_cast<uint32_t>(*spec.after_token));
}

absl::StatusOr<GrammarSpec> GrammarFromWire(const v1::Grammar& wire) {
  GrammarSpec spec;
  for (const v1::GrammarSequence& sequence : wire.alternatives()) {
    std::vector<GrammarPiece>& pieces = spec.alternatives.emplace_back();
    for (const v1::GrammarPiece& wire_piece : sequence.pieces()) {
      absl::StatusOr<GrammarPiece> piece = PieceFromWire(wire_piece);
      if (!piece.ok()) return piece.status();
      pieces.push_back(*std::move(piece));
    }
  }
  if (wire.has_after_token()) {
    if (wire.after_token() > kTokenMax) return absl::InvalidArgumentError("grammar: after_token is no token id");
    spec.after_token = static_cast<int32_t>(wire.after_token());
  }
  return spec;
}

}  // namespace baleen
