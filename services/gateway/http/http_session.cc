#include "services/gateway/http/http_session.h"

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/http/edge_stream.h"
#include "services/gateway/http/http_date.h"
#include "services/gateway/http/request_head.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// A stream's source is asked to wait from here on.
constexpr size_t kSlowReaderBytes = 8 << 10;
// Here a source that does not wait is given up. A client that does not read is so by time.
constexpr size_t kMaxQueuedBytes = 64 << 20;
// Of a further request, taken while an answer is under way.
constexpr size_t kAheadBytes = 4 << 10;
constexpr auto kHandshakeTime = std::chrono::seconds(10);
constexpr auto kGoodbyeTime = std::chrono::seconds(2);
// What is still taken of a refused request, so that its client gets to read why.
constexpr auto kLingerTime = std::chrono::seconds(5);
constexpr size_t kLingerBytes = 16 << 20;
constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr unsigned kHttp10 = 10;
constexpr unsigned kHttp11 = 11;
// Else the kernel keeps megabytes for a client that does not read.
constexpr int kSendBufferBytes = 32 << 10;

// As a sentence says it: "4 MiB".
std::string SizeInWords(uint64_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) return absl::StrCat(bytes >> 20, " MiB");
  if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) return absl::StrCat(bytes >> 10, " KiB");
  return absl::StrCat(bytes, " bytes");
}

class Session final : public HttpSession, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<asio::io_context> io, asio::ip::tcp::socket socket, const HttpServerOptions& options, HttpHandler handler)
      : io_(std::move(io)),
        stream_(std::move(socket), options.tls ? options.tls() : nullptr, std::chrono::seconds(options.write_timeout_s)),
        options_(options),
        handler_(std::move(handler)),
        buffer_(options.header_limit_bytes + options.body_limit_bytes) {}

  void Start();
  void Abort() override;
  void EndSoon() override;
  void ReadRequest();

  // From the responder, on the session's thread.
  void Send(http::response<http::string_body> response);
  void SendStreamHeader(http::response<http::empty_body> response);
  void QueueChunk(std::string piece);
  void QueueLastChunk();
  // Which of the connection's answers is under way, or was last.
  uint64_t answer() const { return answer_; }
  unsigned version() const { return version_; }
  auto executor() { return stream_.get_executor(); }
  void SetDisconnect(std::function<void()> callback);
  void SetBackpressure(std::function<void(bool)> callback);
  void StartTimer(absl::Duration interval, std::function<bool()> callback);

 private:
  // Nothing of a request has come, nor is anything of an answer to go.
  bool AtRest();
  bool Reusable() const { return keep_alive_ && !ending_; }
  void AwaitHead();
  void OnHead(error_code error);
  void ReadBody();
  void OnRequest();
  void RefuseUnread(error_code error);
  void Refuse(const HeadRefusal& refusal);
  void WatchDisconnect();
  void Disconnected();
  void Pump();
  void FinishResponse(bool reusable);
  void Linger();
  void Drain(size_t left);
  void Close();
  void SayGoodbye();

  const std::shared_ptr<asio::io_context> io_;
  EdgeStream stream_;
  asio::steady_timer timer_{stream_.get_executor()};
  const HttpServerOptions options_;
  const HttpHandler handler_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;  // Whose body is being read.
  uint64_t answer_ = 0;
  bool keep_alive_ = false;
  unsigned version_ = kHttp11;  // The client's: HTTP/1.0 knows no chunks, so a stream ends with its connection.
  bool refused_ = false;        // More of the request may be on its way.
  bool head_only_ = false;      // The answer to a HEAD has no body (RFC 9110, 9.3.2): it would be taken for the next answer.
  std::function<void()> on_disconnect_;
  std::function<void(bool)> on_backpressure_;
  bool slow_ = false;
  bool answering_ = false;
  bool sending_ = false;    // The whole answer.
  bool watching_ = false;   // A read is under way while an answer is.
  bool read_next_ = false;  // When that read has ended.
  bool client_gone_ = false;
  bool ending_ = false;  // No further request is wanted.
  // The streamed answer: chunks waiting for the socket.
  std::deque<std::string> chunks_;
  size_t queued_bytes_ = 0;
  bool header_sent_ = false;
  bool writing_ = false;
  bool last_queued_ = false;
};

class Responder final : public HttpResponder {
 public:
  explicit Responder(std::shared_ptr<Session> session) : session_(std::move(session)), answer_(session_->answer()) {}

  ~Responder() override {
    if (!answered_) Respond(500, {{"content-type", "application/json"}}, ToApiError(absl::InternalError("unanswered")).body);
  }

  void Respond(int status, HttpHeaders headers, std::string body) override {
    if (answered_.exchange(true)) return;
    http::response<http::string_body> response{static_cast<http::status>(status), session_->version()};
    for (const auto& [name, value] : headers) response.set(name, value);
    response.body() = std::move(body);
    response.prepare_payload();
    // At once where the handler answers: the session need not watch its client then.
    asio::dispatch(session_->executor(),
                   [session = session_, response = std::move(response)]() mutable { session->Send(std::move(response)); });
  }

  void BeginStream(HttpHeaders headers) override {
    if (answered_.exchange(true)) return;
    http::response<http::empty_body> response{http::status::ok, session_->version()};
    for (const auto& [name, value] : headers) response.set(name, value);
    const bool chunked = session_->version() >= kHttp11;
    if (chunked) response.chunked(true);
    Post([response = std::move(response)](Session& session) mutable { session.SendStreamHeader(std::move(response)); });
  }

  void Write(std::string piece) override {
    Post([piece = std::move(piece)](Session& session) mutable { session.QueueChunk(std::move(piece)); });
  }

  void EndStream() override {
    Post([](Session& session) { session.QueueLastChunk(); });
  }

  void OnDisconnect(std::function<void()> callback) override {
    Post([callback = std::move(callback)](Session& session) mutable { session.SetDisconnect(std::move(callback)); });
  }

  void OnBackpressure(std::function<void(bool)> callback) override {
    Post([callback = std::move(callback)](Session& session) mutable { session.SetBackpressure(std::move(callback)); });
  }

  void Every(absl::Duration interval, std::function<bool()> callback) override {
    Post([interval, callback = std::move(callback)](Session& session) mutable { session.StartTimer(interval, std::move(callback)); });
  }

 private:
  // By then the session may be at another answer, which this must not touch.
  template <typename Action>
  void Post(Action action) {
    asio::post(session_->executor(), [session = session_, answer = answer_, action = std::move(action)]() mutable {
      if (session->answer() == answer) action(*session);
    });
  }

  const std::shared_ptr<Session> session_;
  const uint64_t answer_;
  std::atomic<bool> answered_{false};
};

void Session::Start() {
  if (!stream_.secure()) return ReadRequest();
  stream_.tcp().expires_after(kHandshakeTime);
  stream_.Handshake([self = shared_from_this()](error_code error) {
    if (error) return self->stream_.tcp().close();
    self->ReadRequest();
  });
}

void Session::Abort() {
  Disconnected();
  client_gone_ = true;
  timer_.cancel();
  stream_.tcp().close();
}

void Session::EndSoon() {
  // What has just come is read nevertheless: then there is nothing to cancel.
  if (!std::exchange(ending_, true) && AtRest()) stream_.tcp().cancel();
}

bool Session::AtRest() {
  error_code ignored;
  return parser_ && !parser_->got_some() && !answering_ && buffer_.size() == 0 && stream_.tcp().socket().available(ignored) == 0;
}

void Session::ReadRequest() {
  parser_.emplace();
  if (ending_ && answer_ > 0 && AtRest()) return Close();
  parser_->header_limit(options_.header_limit_bytes);
  parser_->body_limit(options_.body_limit_bytes);
  stream_.tcp().expires_after(std::chrono::seconds(buffer_.size() > 0 ? options_.read_timeout_s : options_.idle_timeout_s));
  AwaitHead();
}

void Session::AwaitHead() {
  http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) { self->OnHead(error); });
}

// A client that sends the body without waiting needs no word.
void Session::OnHead(error_code error) {
  if (error == asio::error::operation_aborted && ending_ && !client_gone_) return AtRest() ? Close() : AwaitHead();
  if (error) return RefuseUnread(error);
  std::variant<HttpRequest, HeadRefusal> head = ReadHead(parser_->get());
  if (const HeadRefusal* const refusal = std::get_if<HeadRefusal>(&head)) return Refuse(*refusal);
  request_ = std::get<HttpRequest>(std::move(head));
  if (parser_->is_done()) return OnRequest();
  if (!WaitsForContinue(parser_->get()) || buffer_.size() > 0) return ReadBody();
  asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                    [self = shared_from_this()](error_code failure, size_t) { failure ? self->Close() : self->ReadBody(); });
}

void Session::ReadBody() {
  stream_.tcp().expires_after(std::chrono::seconds(options_.read_timeout_s));
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code error, size_t) { error ? self->RefuseUnread(error) : self->OnRequest(); });
}

void Session::OnRequest() {
  stream_.tcp().expires_never();
  http::request<http::string_body> message = parser_->release();
  keep_alive_ = message.keep_alive();
  version_ = message.version() < kHttp11 ? kHttp10 : kHttp11;
  head_only_ = message.method() == http::verb::head;
  request_.body = PrivateText(std::move(message.body()));
  ++answer_;
  answering_ = true;
  header_sent_ = false;
  last_queued_ = false;
  handler_(std::move(request_), std::make_shared<Responder>(shared_from_this()));
  WatchDisconnect();
}

void Session::RefuseUnread(error_code error) {
  if (client_gone_) return;  // Or this side has said goodbye.
  const bool speaks_http = error.category() == make_error_code(http::error::bad_method).category() && error != http::error::end_of_stream &&
                           error != http::error::partial_message;
  if (!speaks_http) return Close();
  if (error == http::error::header_limit) {
    return Refuse({431, absl::StrCat("The request's header is larger than ", SizeInWords(options_.header_limit_bytes), ".")});
  }
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return Refuse({413, absl::StrCat("The request's body is larger than ", SizeInWords(options_.body_limit_bytes), ".")});
  }
  Refuse({400, "The HTTP request was refused: " + error.message() + "."});
}

void Session::Refuse(const HeadRefusal& refusal) {
  keep_alive_ = false;
  head_only_ = false;
  refused_ = true;
  http::response<http::string_body> response{static_cast<http::status>(refusal.status), kHttp11};
  response.set(http::field::content_type, "application/json");
  response.body() = ToApiError(absl::InvalidArgumentError(refusal.sentence)).body;
  response.prepare_payload();
  answering_ = true;
  Send(std::move(response));
}

// A read that ends while an answer is under way says that the client has left, or brings the next pipelined request. A whole answer that is
// being sent needs none: its write tells.
void Session::WatchDisconnect() {
  if (sending_ || buffer_.size() > 0) return;
  watching_ = true;
  stream_.async_read_some(buffer_.prepare(kAheadBytes), [self = shared_from_this()](error_code error, size_t got) {
    self->watching_ = false;
    self->buffer_.commit(got);
    if (self->answering_ && error) return self->Disconnected();
    if (std::exchange(self->read_next_, false)) self->ReadRequest();
  });
}

void Session::SetBackpressure(std::function<void(bool)> callback) {
  if (!answering_) return;
  on_backpressure_ = std::move(callback);
  if (slow_) on_backpressure_(true);
}

void Session::SetDisconnect(std::function<void()> callback) {
  if (client_gone_) return callback();
  if (answering_) on_disconnect_ = std::move(callback);
}

// The timer's wait holds the session, so it ends with the answer.
void Session::StartTimer(absl::Duration interval, std::function<bool()> callback) {
  if (!answering_) return;
  timer_.expires_after(absl::ToChronoNanoseconds(interval));
  timer_.async_wait([self = shared_from_this(), interval, callback = std::move(callback)](error_code error) mutable {
    if (error || !self->answering_ || !callback()) return;
    self->StartTimer(interval, std::move(callback));
  });
}

void Session::Disconnected() {
  if (!std::exchange(answering_, false)) return;
  client_gone_ = true;
  on_backpressure_ = nullptr;
  if (auto callback = std::exchange(on_disconnect_, nullptr)) callback();
  Close();
}

void Session::Send(http::response<http::string_body> response) {
  if (!answering_) return;
  sending_ = true;
  response.keep_alive(Reusable());
  response.set(http::field::date, HttpDate(absl::ToUnixSeconds(absl::Now())));
  auto kept = std::make_shared<http::response<http::string_body>>(std::move(response));
  auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*kept);
  auto done = [self = shared_from_this(), kept, serializer](error_code error, size_t) {
    if (error) return self->Disconnected();
    self->FinishResponse(kept->keep_alive());
  };
  if (head_only_) return http::async_write_header(stream_, *serializer, std::move(done));
  http::async_write(stream_, *serializer, std::move(done));
}

void Session::SendStreamHeader(http::response<http::empty_body> response) {
  if (!answering_) return;
  response.keep_alive(response.chunked() && Reusable());
  response.set(http::field::date, HttpDate(absl::ToUnixSeconds(absl::Now())));
  auto kept = std::make_shared<http::response<http::empty_body>>(std::move(response));
  auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*kept);
  writing_ = true;
  http::async_write_header(stream_, *serializer, [self = shared_from_this(), kept, serializer](error_code error, size_t) {
    self->writing_ = false;
    if (error) return self->Disconnected();
    self->header_sent_ = true;
    self->Pump();
  });
}

void Session::QueueChunk(std::string piece) {
  if (!answering_ || sending_ || last_queued_ || head_only_ || piece.empty()) return;
  if (queued_bytes_ > kMaxQueuedBytes) return Disconnected();
  queued_bytes_ += piece.size();
  chunks_.push_back(std::move(piece));
  Pump();
  if (queued_bytes_ > kSlowReaderBytes && !std::exchange(slow_, true) && on_backpressure_) on_backpressure_(true);
}

void Session::QueueLastChunk() {
  if (!answering_) return;
  last_queued_ = true;
  Pump();
}

// Writes all that waits as one chunk, then the last chunk; without chunks to HTTP/1.0.
void Session::Pump() {
  if (writing_ || !header_sent_) return;
  if (chunks_.empty() && !last_queued_) return;
  const bool chunked = version_ >= kHttp11;
  if (head_only_) return FinishResponse(chunked && keep_alive_);
  if (chunks_.empty() && !chunked) return FinishResponse(false);
  auto data = std::make_shared<std::string>();
  for (const std::string& chunk : chunks_) data->append(chunk);
  chunks_.clear();
  queued_bytes_ = 0;
  writing_ = true;
  const auto done = [self = shared_from_this(), data, last = data->empty()](error_code error, size_t) {
    self->writing_ = false;
    if (error) return self->Disconnected();
    if (last) return self->FinishResponse(self->keep_alive_);
    self->Pump();
    if (self->queued_bytes_ == 0 && std::exchange(self->slow_, false) && self->on_backpressure_) self->on_backpressure_(false);
  };
  if (data->empty()) {
    asio::async_write(stream_, http::make_chunk_last(), done);
  } else if (!chunked) {
    asio::async_write(stream_, asio::buffer(*data), done);
  } else {
    asio::async_write(stream_, http::make_chunk(asio::buffer(*data)), done);
  }
}

void Session::FinishResponse(bool reusable) {
  answering_ = false;
  sending_ = false;
  timer_.cancel();
  on_disconnect_ = nullptr;
  on_backpressure_ = nullptr;
  slow_ = false;
  if (refused_) return Linger();
  if (!reusable) return Close();
  read_next_ = watching_;
  if (watching_) return stream_.tcp().cancel();
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->ReadRequest(); });
}

// A socket that is closed with bytes unread resets the connection, and the answer is lost with it.
void Session::Linger() {
  parser_.reset();
  buffer_ = beast::flat_buffer(kAheadBytes);
  error_code ignored;
  if (!stream_.secure()) stream_.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.tcp().expires_after(kLingerTime);
  Drain(kLingerBytes);
}

void Session::Drain(size_t left) {
  stream_.async_read_some(buffer_.prepare(kAheadBytes), [self = shared_from_this(), left](error_code error, size_t got) {
    if (error || got >= left) return self->Close();
    self->Drain(left - got);
  });
}

void Session::Close() {
  timer_.cancel();
  if (stream_.secure() && !client_gone_) return SayGoodbye();
  error_code ignored;
  stream_.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.tcp().close();
}

// Without it a client could not tell a whole answer from one that was cut.
void Session::SayGoodbye() {
  client_gone_ = true;
  stream_.tcp().cancel();
  stream_.tcp().expires_after(kGoodbyeTime);
  stream_.Shutdown([self = shared_from_this()](error_code) { self->stream_.tcp().close(); });
}

}  // namespace

std::weak_ptr<HttpSession> StartHttpSession(std::shared_ptr<asio::io_context> io, asio::ip::tcp::socket socket,
                                            const HttpServerOptions& options, HttpHandler handler) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  const auto session = std::make_shared<Session>(std::move(io), std::move(socket), options, std::move(handler));
  session->Start();
  return session;
}

}  // namespace baleen
