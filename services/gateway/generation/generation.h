// A running request: its journal, its current attempt, and the events its client gets.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/private_text.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tool_call_parser.h"
#include "services/common/timers.h"
#include "services/gateway/api/generation_spec.h"
#include "services/gateway/generation/token_place.h"

namespace baleen {

class Admission;
class DecodeDialer;
class GenerationTrace;
class Guard;
class Quarantine;
class RecallClient;
class WorkerPicker;

// Where an earlier gateway, or an earlier connection of the client's, left a request.
struct GenerationResume {
  uint32_t attempt = 0;  // The last one known; the resumed request's own are far above it.
  std::vector<int32_t> generated;
  std::string numerics_id;
};

struct GenerationInput {
  std::string request_id;  // 16 random bytes.
  std::vector<int32_t> prompt;
  std::string cache_salt;                         // Requests share cached KV only under equal ones.
  bool split_reasoning = false;                   // Chat: the text up to </think> is reasoning.
  bool opens_thinking = false;                    // The prompt ends inside <think>.
  std::optional<ToolCallSyntax> tool_calls = {};  // Calls are taken out of the answer's text.
  bool single_tool_call = false;                  // The answer ends behind its first one.
  PrivateText echo = {};                          // What each choice's text begins with.
  uint32_t choice = 0;
  GenerationSpec spec;  // seed and max_tokens are set.
  absl::Time deadline = absl::InfiniteFuture();
  std::string traceparent;                      // The caller's header; empty = none.
  std::shared_ptr<GenerationTrace> trace = {};  // Null = not traced.
  // Not empty: resumable; what decode workers keep for another gateway.
  PrivateText edge;
  // With an edge: who may take the request up again.
  std::string owner;
  std::string tenant;  // Whose turn it takes.
  int priority = 0;    // -100 .. 100; workers let higher ones go first.
  // Not empty: the request is resumed. By choice: its tokens come first, as if they had just been generated but without log-probabilities,
  // then the very next ones. A choice that is not here begins anew, to the same tokens.
  std::map<uint32_t, GenerationResume> resume;
};

struct TokenChoice {
  int32_t token = 0;
  float logprob = 0;
  std::vector<std::pair<int32_t, float>> top = {};
  TokenPlace place = TokenPlace::kNone;
  int64_t text_bytes = 0;  // That came with it, shown with its event or later.
};

struct GenerationUsage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t reasoning_tokens = 0;
  int64_t prompt_cache_hit_tokens = 0;
  int64_t failovers = 0;  // Times that another worker went on with the journal.
};

enum class Finish { kNone, kStop, kLength, kContentFilter, kInsufficientResource, kToolCalls };

struct GenerationEvent {
  PrivateText reasoning;
  PrivateText text;
  std::vector<ToolCallDelta> tool_calls;
  std::vector<TokenChoice> tokens;
  uint32_t choice = 0;
  std::string numerics_id;    // What computed it; empty = no worker.
  bool more_choices = false;  // Of a last event: others go on.
  // Set on the last event, or `status` is not OK.
  Finish finish = Finish::kNone;
  absl::Status status;
  GenerationUsage usage;

  bool last() const { return finish != Finish::kNone || !status.ok(); }
  // Nothing of the whole request follows.
  bool ends_request() const { return last() && !more_choices; }
};

// Called on transport threads, one at a time; the last event ends the calls.
using GenerationSink = std::function<void(GenerationEvent)>;

// What generations share. All unowned, outliving every generation.
struct GenerationContext {
  const Tokenizer* tokenizer = nullptr;
  DecodeDialer* dialer = nullptr;
  WorkerPicker* picker = nullptr;
  Quarantine* quarantine = nullptr;  // Null = no request is given up for killing workers.
  Admission* admission = nullptr;    // Null = nothing waits.
  Guard* guard = nullptr;            // Null = nothing is judged.
  bool guard_fails_open = false;     // What a guard that fails did not judge goes through.
  RecallClient* recaller = nullptr;  // Asks workers that seem dead whether they are; null = only placement's map tells.
  Clock* clock = Clock::Real();
  Timers* timers = Timers::Real();
};

// Thread-safe. When a worker fails, the journal (prompt, seed, tokens so far) goes to another one under the next attempt, and the stream
// goes on with the very next token. Ends with DATA_LOSS when it seems to be what kills workers, with ABORTED when another gateway took it
// over.
class Generation {
 public:
  virtual ~Generation() = default;
  // The client has gone: frees the sequence; no event follows.
  virtual void Cancel() = 0;
  // As Cancel, but a resumable request stays with its worker for the resume window; between workers, or when that one has gone, with the
  // next one.
  virtual void Detach() = 0;
  // The client does not read as fast as tokens come: few more events follow until it does.
  virtual void Pause(bool paused) = 0;
};

// The refusal that StartGeneration is sure to give a new request of the tenant's whose prompt has so many tokens or more: told before a
// prompt is rendered and tokenised. OK = it has to start.
absl::Status ForeseeTurn(const GenerationContext& context, const std::string& tenant, int64_t least_prompt_tokens,
                         const GenerationSpec& spec);

// Waits for its turn first; RESOURCE_EXHAUSTED or UNAVAILABLE with Retry-After when there is no room.
std::shared_ptr<Generation> StartGeneration(const GenerationContext& context, GenerationInput input, GenerationSink sink);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_H_
