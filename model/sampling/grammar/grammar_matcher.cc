#include "model/sampling/grammar/grammar_matcher.h"

#include <algorithm>
#include <set>

namespace baleen {

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const GrammarVocabulary> vocabulary,
                               absl::optional<int32_t> after_token, std::vector<int32_t> end_ids)
    : grammar_(std::move(grammar)),
      vocabulary_(std::move(vocabulary)),
      after_token_(after_token),
      end_ids_(std::move(end_ids)),
      nothing_(vocabulary_->size()),
      waiting_(vocabulary_->size(), /*all=*/true) {
  for (const int32_t id : end_ids_) waiting_.Clear(id);
  Reset();
}

void GrammarMatcher::Reset() {
  frames_.assign(1, Frame{0, 0, 0});
  frame_ids_.clear();
  states_.clear();
  state_ids_.clear();
  state_bytes_ = 0;
  masks_ = 0;
  followed_.clear();
  begun_ = !after_token_.has_value();
  state_ = Close({{grammar_->start(), 0}});
}

const TokenMask& GrammarMatcher::Allowed(absl::Span<const int32_t> generated) {
  Follow(generated);
  if (!begun_) return waiting_;
  if (state_ == kDead) return nothing_;
  if (states_[static_cast<size_t>(state_)].mask == nullptr) {
    if (masks_ >= kMasksMax) {
      for (State& state : states_) state.mask = nullptr;
      masks_ = 0;
    }
    std::unique_ptr<TokenMask> mask = MakeMask();
    ++masks_;
    states_[static_cast<size_t>(state_)].mask = std::move(mask);
  }
  return *states_[static_cast<size_t>(state_)].mask;
}

bool GrammarMatcher::MayEnd(absl::Span<const int32_t> generated) {
  Follow(generated);
  return begun_ && state_ != kDead && states_[static_cast<size_t>(state_)].may_end();
}

void GrammarMatcher::Follow(absl::Span<const int32_t> generated) {
  const bool goes_on = generated.size() >= followed_.size() && std::equal(followed_.begin(), followed_.end(), generated.begin());
  if (!goes_on) Reset();
  for (const int32_t token : generated.subspan(followed_.size())) {
    followed_.push_back(token);
    if (!begun_) {
      begun_ = token == *after_token_;
    } else if (state_ != kDead) {
      state_ = AfterToken(state_, token);
    }
  }
}

GrammarMatcher::StateId GrammarMatcher::AfterToken(StateId state, int32_t token) {
  std::vector<Place> places;
  for (const auto& [node, stack] : states_[static_cast<size_t>(state)].places()) {
    const GrammarNode& at = grammar_->node(node);
    if (at.kind == GrammarNode::Kind::kToken && at.value == token) places.emplace_back(at.next, stack);
  }
  if (!places.empty()) {
    const StateId next = Close(std::move(places));
    if (next != kFull) return next;
    std::vector<StateId> kept = {state};
    Keep(&kept);
    return AfterToken(kept[0], token);
  }
  const absl::string_view bytes = vocabulary_->BytesOf(token);
  if (bytes.empty()) return kDead;
  std::vector<StateId> path = {state};
  for (const char byte : bytes) {
    path = {AfterPath(&path, static_cast<uint8_t>(byte))};
    if (path[0] == kDead) break;
  }
  return path[0];
}

GrammarMatcher::StateId GrammarMatcher::AfterByte(StateId state, uint8_t byte) {
  if (const StateId known = states_[static_cast<size_t>(state)].next[byte]; known != kUnknown) return known;
  std::vector<Place> places;
  // The bytes around this one that the same ranges hold: what follows them is the same.
  int first = 0;
  int last = 255;
  for (const auto& [node, stack] : states_[static_cast<size_t>(state)].places()) {
    const GrammarNode& at = grammar_->node(node);
    if (at.kind != GrammarNode::Kind::kBytes) continue;
    if (at.high < byte) {
      first = std::max(first, at.high + 1);
    } else if (at.low > byte) {
      last = std::min(last, at.low - 1);
    } else {
      first = std::max<int>(first, at.low);
      last = std::min<int>(last, at.high);
      places.emplace_back(at.next, stack);
    }
  }
  const StateId next = Close(std::move(places));
  if (next != kFull) std::fill(&states_[static_cast<size_t>(state)].next[first], &states_[static_cast<size_t>(state)].next[last] + 1, next);
  return next;
}

GrammarMatcher::StateId GrammarMatcher::AfterPath(std::vector<StateId>* path, uint8_t byte) {
  StateId next = AfterByte(path->back(), byte);
  if (next == kFull) {
    Keep(path);
    next = AfterByte(path->back(), byte);
  }
  return next == kFull ? kDead : next;  // A path of as many states as there may be.
}

void GrammarMatcher::Keep(std::vector<StateId>* states) {
  const std::vector<Frame> frames = std::move(frames_);
  const std::vector<State> before = std::move(states_);
  const std::map<StateKey, StateId> keys = std::move(state_ids_);  // Where `before` points to.
  frames_.assign(1, Frame{0, 0, 0});
  frame_ids_.clear();
  states_.clear();
  state_ids_.clear();
  state_bytes_ = 0;
  masks_ = 0;
  for (StateId& id : *states) {
    const State& state = before[static_cast<size_t>(id)];
    std::vector<Place> places;
    for (const auto& [node, stack] : state.places()) places.emplace_back(node, PushAgain(frames, stack));
    id = Close(std::move(places), state.may_end());
  }
}

// Stacks are at most kNestingMax deep.
int32_t GrammarMatcher::PushAgain(const std::vector<Frame>& frames, int32_t stack) {
  if (stack == 0) return 0;
  const Frame& frame = frames[static_cast<size_t>(stack)];
  return Push(frame.next, PushAgain(frames, frame.parent));
}

GrammarMatcher::StateId GrammarMatcher::Close(std::vector<Place> places, bool may_end) {
  ++closures_;
  std::vector<Place> waiting = std::move(places);
  std::set<Place> seen(waiting.begin(), waiting.end());
  std::vector<Place> closed;
  while (!waiting.empty()) {
    const Place place = waiting.back();
    waiting.pop_back();
    const GrammarNode& node = grammar_->node(place.first);
    if (node.need + frames_[static_cast<size_t>(place.second)].depth > Grammar::kNestingMax) continue;
    if (node.kind == GrammarNode::Kind::kBytes || node.kind == GrammarNode::Kind::kToken) {
      closed.push_back(place);
      continue;
    }
    std::vector<Place> reached;
    Expand(place, &reached, &may_end);
    for (const Place& next : reached) {
      if (seen.insert(next).second) waiting.push_back(next);
    }
    if (seen.size() > kPlacesMax) return kDead;
  }
  if (closed.empty() && !may_end) return kDead;
  std::sort(closed.begin(), closed.end());
  StateKey key(closed, may_end);
  const auto known = state_ids_.find(key);
  if (known != state_ids_.end()) return known->second;
  if (!HasRoom(closed.size())) return kFull;
  const StateId id = static_cast<StateId>(states_.size());
  state_bytes_ += StateBytes(closed.size());
  State state;
  state.key = &state_ids_.emplace(std::move(key), id).first->first;
  state.next.fill(kUnknown);
  states_.push_back(std::move(state));
  return id;
}

bool GrammarMatcher::HasRoom(size_t places) const {
  if (states_.size() >= kStatesMax) return false;
  return state_bytes() + StateBytes(places) <= kStateBytesMax || states_.size() <= vocabulary_->longest() + 1;
}

void GrammarMatcher::Expand(const Place& place, std::vector<Place>* out, bool* may_end) {
  const auto [id, stack] = place;
  const GrammarNode& node = grammar_->node(id);
  if (node.kind == GrammarNode::Kind::kSplit) {
    for (int32_t i = 0; i < node.edges; ++i) out->emplace_back(grammar_->edge(node.value + i), stack);
  } else if (node.kind == GrammarNode::Kind::kCall) {
    // A call in the last place needs no frame of its own.
    const bool last = grammar_->node(node.next).kind == GrammarNode::Kind::kReturn;
    out->emplace_back(grammar_->rule_start(node.value), last ? stack : Push(node.next, stack));
  } else if (stack == 0) {
    *may_end = true;
  } else {
    const Frame& frame = frames_[static_cast<size_t>(stack)];
    out->emplace_back(frame.next, frame.parent);
  }
}

int32_t GrammarMatcher::Push(GrammarNodeId next, int32_t parent) {
  const auto [found, added] = frame_ids_.emplace(std::make_pair(next, parent), static_cast<int32_t>(frames_.size()));
  if (added) frames_.push_back({next, parent, frames_[static_cast<size_t>(parent)].depth + 1});
  return found->second;
}

// Walks the sorted vocabulary, going on from what a token shares with the one before it.
std::unique_ptr<TokenMask> GrammarMatcher::MakeMask() {
  auto mask = std::make_unique<TokenMask>(vocabulary_->size());
  std::vector<StateId> path = {state_};  // After each byte of the token before, as far as that is allowed.
  for (const GrammarVocabulary::Entry& entry : vocabulary_->entries()) {
    if (entry.shared >= path.size()) continue;  // It begins with what was not allowed.
    path.resize(entry.shared + 1);
    const absl::string_view bytes = vocabulary_->Bytes(entry);
    while (path.size() <= bytes.size()) {
      const StateId next = AfterPath(&path, static_cast<uint8_t>(bytes[path.size() - 1]));
      if (next == kDead) break;
      path.push_back(next);
    }
    if (path.size() > bytes.size()) mask->Set(entry.id);
  }
  state_ = path[0];
  const State& start = states_[static_cast<size_t>(state_)];
  for (const auto& [node, stack] : start.places()) {
    if (grammar_->node(node).kind == GrammarNode::Kind::kToken) mask->Set(grammar_->node(node).value);
  }
  for (const int32_t id : end_ids_) {
    if (start.may_end()) mask->Set(id);
  }
  return mask;
}

}  // namespace baleen
