// The HTTP server under TLS, against Asio's own client.
#include "services/gateway/http/edge_tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "services/common/testing/test_certificates.h"
#include "services/gateway/http/http_server.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr absl::Duration kPatience = absl::Seconds(20);

// A blocking client that trusts one authority.
class Client {
 public:
  Client(int port, const std::string& ca, int newest_version = TLS1_3_VERSION) : context_(ssl::context::tls_client) {
    context_.load_verify_file(ca);
    SSL_CTX_set_max_proto_version(context_.native_handle(), newest_version);
    stream_.emplace(io_, context_);
    stream_->set_verify_mode(ssl::verify_peer);
    stream_->lowest_layer().connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)});
    stream_->handshake(ssl::stream_base::client, error);
  }

  void Send(const std::string& text) { asio::write(*stream_, asio::buffer(text), error); }
  // What came up to and with `text`, or up to the end.
  std::string ReadUntil(const std::string& text) {
    const size_t end = asio::read_until(*stream_, asio::dynamic_buffer(received_), text, error);
    const std::string got = received_.substr(0, error ? received_.size() : end);
    received_.erase(0, got.size());
    return got;
  }
  // Says goodbye as TLS has it.
  void Leave() {
    SSL_shutdown(stream_->native_handle());
    stream_->next_layer().close();
  }
  long serial() { return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(stream_->native_handle()))); }

  error_code error;

 private:
  asio::io_context io_;
  ssl::context context_;
  std::optional<ssl::stream<asio::ip::tcp::socket>> stream_;
  std::string received_;
};

// Asked on the server's thread.
class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixMicros(micros_); }
  void Sleep(absl::Duration) override {}
  void Advance(absl::Duration duration) { micros_ += absl::ToInt64Microseconds(duration); }

 private:
  std::atomic<int64_t> micros_{1};
};

class EdgeTlsTest : public ::testing::Test {
 protected:
  void Serve(HttpHandler handler) {
    const auto edge = EdgeTls::Load(files_, &clock_);
    ASSERT_TRUE(edge.ok()) << edge.status();
    HttpServerOptions options;
    options.tls = [edge = *edge] { return edge->Context(); };
    server_ = std::make_unique<HttpServer>(options, std::move(handler));
    ASSERT_TRUE(server_->Start().ok());
  }
  void ServePaths() {
    Serve([](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, "answer to " + request.path); });
  }

  TestAuthority authority_{"authority"};
  const TestIdentity identity_{.uri = ""};
  FakeClock clock_;
  const PemFiles files_ = authority_.Issue("edge", identity_);
  std::unique_ptr<HttpServer> server_;
};

TEST_F(EdgeTlsTest, AnswersSeveralRequestsOnAConnection) {
  ServePaths();
  Client client(server_->port(), files_.ca);
  for (const char* path : {"/a", "/b", "/c"}) {
    client.Send(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(absl::StrContains(client.ReadUntil(path), " 200 OK")) << client.error.message();
  }
}

TEST_F(EdgeTlsTest, AnswersWhatIsPipelined) {
  ServePaths();
  Client client(server_->port(), files_.ca);
  client.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(absl::StrContains(client.ReadUntil("answer to /b"), "answer to /a")) << client.error.message();
}

TEST_F(EdgeTlsTest, TellsAWholeAnswerFromACutOne) {
  ServePaths();
  Client client(server_->port(), files_.ca);
  client.Send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  client.ReadUntil("answer to /a");
  client.ReadUntil("more");
  EXPECT_EQ(client.error, asio::error::eof) << client.error.message();
}

TEST_F(EdgeTlsTest, TellsOfADisconnect) {
  absl::Notification gone;
  std::shared_ptr<HttpResponder> kept;
  Serve([&](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    responder->OnDisconnect([&] { gone.Notify(); });
    responder->BeginStream({});
    responder->Write("begun");
    kept = responder;
  });
  Client client(server_->port(), files_.ca);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadUntil("begun");
  client.Leave();
  EXPECT_TRUE(gone.WaitForNotificationWithTimeout(kPatience));
  kept.reset();
}

TEST_F(EdgeTlsTest, OldProtocolsAndPlainHttpAreRefused) {
  ServePaths();
  EXPECT_TRUE(Client(server_->port(), files_.ca, TLS1_1_VERSION).error);
  EXPECT_FALSE(Client(server_->port(), files_.ca, TLS1_2_VERSION).error);
  asio::io_context io;
  asio::ip::tcp::socket plain(io);
  plain.connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(server_->port())});
  asio::write(plain, asio::buffer(std::string("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::string received;
  error_code error;
  asio::read_until(plain, asio::dynamic_buffer(received), "answer", error);
  EXPECT_TRUE(error);
}

TEST_F(EdgeTlsTest, NewFilesComeIntoForceAndWrongOnesDoNot) {
  ServePaths();
  const long first = Client(server_->port(), files_.ca).serial();
  authority_.Issue("edge", identity_);
  const auto serial = [&] { return Client(server_->port(), files_.ca).serial(); };
  EXPECT_EQ(serial(), first) << "the files are looked at every now and then only";
  clock_.Advance(absl::Seconds(kPemRefreshSeconds));
  const long second = serial();
  EXPECT_GT(second, first);
  std::ofstream(files_.cert) << "nothing of use";
  clock_.Advance(absl::Seconds(kPemRefreshSeconds));
  EXPECT_EQ(serial(), second);
}

TEST_F(EdgeTlsTest, WrongFilesAreNamed) {
  EXPECT_EQ(EdgeTls::Load({.ca = "", .cert = "/nowhere", .key = files_.key}, &clock_).status().message(), "/nowhere: cannot be read");
  EXPECT_TRUE(
      absl::StrContains(EdgeTls::Load({.ca = "", .cert = files_.cert, .key = files_.ca}, &clock_).status().message(), "private key"));
}

}  // namespace
}  // namespace baleen
