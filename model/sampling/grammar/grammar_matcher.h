// Follows one answer through its grammar: which tokens may come next.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_MATCHER_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_MATCHER_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/sampling/grammar/grammar.h"
#include "model/sampling/grammar/grammar_vocabulary.h"
#include "model/sampling/token_mask.h"

namespace baleen {

// A pushdown automaton made deterministic as far as the text goes: a state is the set of places (node, call stack) that the bytes so far
// may have led to, and each state keeps its transitions and its mask. A token is allowed when its bytes are, wherever tokens are cut. What
// is kept is a cache: the outcome is a function of the tokens alone, so an answer resumed elsewhere goes on under the same masks. Memory
// and time are bounded: a state has at most kPlacesMax places; at most kStatesMax states are kept, in kStateBytesMax (or as many as one
// token's bytes lead to), and kMasksMax masks. Thread-compatible.
class GrammarMatcher {
 public:
  static constexpr size_t kStatesMax = 4096;
  static constexpr size_t kPlacesMax = 2048;
  static constexpr size_t kMasksMax = 64;
  static constexpr size_t kStateBytesMax = size_t{8} << 20;  // A worker has such states for each of its sequences.

  // `end_ids` end an answer: allowed where the grammar's text may end, and nowhere else.
  GrammarMatcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const GrammarVocabulary> vocabulary,
                 absl::optional<int32_t> after_token, std::vector<int32_t> end_ids);

  // What may follow the answer's tokens so far (without the prompt); empty when these are no beginning of a text of the grammar, or the
  // bounds do not suffice. Valid until the next call.
  const TokenMask& Allowed(absl::Span<const int32_t> generated);
  // Whether the answer may end after these tokens.
  bool MayEnd(absl::Span<const int32_t> generated);
  // How often places were followed to the states they belong to, which is what time goes into. Since the start.
  int64_t closures() const { return closures_; }
  // What the states take.
  size_t state_bytes() const { return state_bytes_ + frames_.size() * kFrameBytes; }

 private:
  using StateId = int32_t;
  using Place = std::pair<GrammarNodeId, int32_t>;  // Node and stack.
  static constexpr StateId kDead = -1;
  static constexpr StateId kUnknown = -2;
  static constexpr StateId kFull = -3;

  struct Frame {
    GrammarNodeId next;
    int32_t parent;
    int32_t depth;
  };
  // What tells a state from others: its places (kBytes and kToken nodes), sorted, and whether the text may end.
  using StateKey = std::pair<std::vector<Place>, bool>;
  struct State {
    const StateKey* key;  // In state_ids_.
    std::array<StateId, 256> next;
    std::unique_ptr<TokenMask> mask;

    const std::vector<Place>& places() const { return key->first; }
    bool may_end() const { return key->second; }
  };
  // With the nodes of the maps that find them.
  static constexpr size_t kFrameBytes = sizeof(Frame) + 64;
  static constexpr size_t StateBytes(size_t places) { return sizeof(State) + sizeof(StateKey) + 64 + places * sizeof(Place); }

  void Reset();
  void Follow(absl::Span<const int32_t> generated);
  StateId AfterToken(StateId state, int32_t token);
  // kFull, of which nothing is kept, when there is no room for the state.
  StateId AfterByte(StateId state, uint8_t byte);
  // AfterByte of the last state of a path, for which all states but the path's give way where they must; the path then has other ids.
  StateId AfterPath(std::vector<StateId>* path, uint8_t byte);
  // The state of these places and what calls, returns and splits lead to from them; kFull when there is no room for it.
  StateId Close(std::vector<Place> places, bool may_end = false);
  // For one more state, of so many places. There is room for those of any token's bytes when all others gave way.
  bool HasRoom(size_t places) const;
  // Forgets all other states.
  void Keep(std::vector<StateId>* states);
  int32_t PushAgain(const std::vector<Frame>& frames, int32_t stack);
  void Expand(const Place& place, std::vector<Place>* out, bool* may_end);
  int32_t Push(GrammarNodeId next, int32_t parent);
  // Of the current state, which may get another id.
  std::unique_ptr<TokenMask> MakeMask();

  const std::shared_ptr<const Grammar> grammar_;
  const std::shared_ptr<const GrammarVocabulary> vocabulary_;
  const absl::optional<int32_t> after_token_;
  const std::vector<int32_t> end_ids_;
  const TokenMask nothing_;
  TokenMask waiting_;  // Before the answer begins: all but the ends.

  std::vector<Frame> frames_;  // Stack 0 is empty.
  std::map<std::pair<GrammarNodeId, int32_t>, int32_t> frame_ids_;
  std::vector<State> states_;
  std::map<StateKey, StateId> state_ids_;
  size_t state_bytes_ = 0;
  size_t masks_ = 0;
  int64_t closures_ = 0;
  std::vector<int32_t> followed_;  // The tokens that led to state_.
  bool begun_ = false;
  StateId state_ = kDead;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_MATCHER_H_
