// Who reaches whom over mTLS: real handshakes between channels and a server in this process.
#include "services/common/cluster_credentials.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/channel.h"
#include "services/common/channel_pool.h"
#include "services/common/revoked_callers.h"
#include "services/common/testing/test_certificates.h"

namespace baleen {
namespace {

const AccessTable kTable = {{"/t.S/ForGateways", {PeerRole::kGateway}},
                            {"/t.S/ForExperts", {PeerRole::kExpert}},
                            {"/t.S/Stays", {PeerRole::kGateway, PeerRole::kExpert}}};
constexpr absl::Duration kPatience = absl::Seconds(20);

// Answers every method that it is let to with OK, but for one that stays open until it is cancelled.
class EverythingService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    struct Reactor final : grpc::ServerGenericBidiReactor {
      explicit Reactor(bool stays) { stays ? StartSendInitialMetadata() : Finish(grpc::Status::OK); }
      void OnCancel() override { Finish(grpc::Status::CANCELLED); }
      void OnDone() override { delete this; }
    };
    return new Reactor(context->method() == "/t.S/Stays");
  }
};

std::string UriOf(PeerRole role) { return absl::StrCat("spiffe://baleen/", NameOf(role), "/test"); }

ClusterCredentials Load(const PemFiles& files, PeerRole role) {
  const absl::StatusOr<ClusterCredentials> credentials = ClusterCredentials::Mtls(files, role);
  EXPECT_TRUE(credentials.ok()) << credentials.status();
  return credentials.value_or(ClusterCredentials());
}

// A connection attempt that a busy machine makes too slow is repeated; one that is refused fails the call if it is to fail fast.
grpc::Status Call(std::shared_ptr<grpc::Channel> channel, const std::string& method, bool fail_fast = true) {
  grpc::GenericStub stub(std::move(channel));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  context.set_wait_for_ready(!fail_fast);
  grpc::CompletionQueue queue;
  grpc::ByteBuffer empty;
  const auto call = stub.PrepareUnaryCall(&context, method, empty, &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

grpc::Status Call(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials, const std::string& method,
                  bool fail_fast = true) {
  return Call(MakeChannel(address, std::move(credentials)), method, fail_fast);
}

// A grpc::Status's code and message in one line.
std::string Text(const grpc::Status& status) { return absl::StrCat(status.error_code(), " ", status.error_message()); }

// A call that is under way at the server once this is made.
class OpenCall final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit OpenCall(const std::shared_ptr<grpc::Channel>& channel) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + 3 * kPatience));  // To be connected, to be revoked, and to hear of it.
    context_.set_wait_for_ready(true);
    grpc::GenericStub(channel).PrepareBidiStreamingCall(&context_, "/t.S/Stays", {}, this);
    StartCall();
    EXPECT_TRUE(reached_.get_future().get());
  }
  ~OpenCall() override { Cancel(); }

  void Cancel() {
    context_.TryCancel();
    End();
  }
  // How it ended, once it has.
  std::string End() {
    if (end_.valid()) text_ = end_.get();
    return text_;
  }

 private:
  void OnReadInitialMetadataDone(bool ok) override { reached_.set_value(ok); }
  void OnDone(const grpc::Status& status) override { ended_.set_value(Text(status)); }

  grpc::ClientContext context_;
  std::promise<bool> reached_;
  std::promise<std::string> ended_;
  std::future<std::string> end_ = ended_.get_future();
  std::string text_;
};

class ClusterCredentialsTest : public ::testing::Test {
 protected:
  // At address_, from now on.
  void Serve(const ClusterCredentials& credentials) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", credentials.Server(kTable), &port);
    services_.push_back(std::make_unique<EverythingService>());
    builder.RegisterCallbackGenericService(services_.back().get());
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    if (credentials.revoked() != nullptr) interceptors.push_back(CutRevokedCallers(credentials.revoked()));
    credentials_.push_back(credentials);
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    servers_.push_back(builder.BuildAndStart());
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  void ServeAs(PeerRole role) { Serve(As(role)); }
  ClusterCredentials As(PeerRole role) { return Load(authority_.Issue(std::string(NameOf(role)), {.uri = UriOf(role)}), role); }

  // What a client with these files gets, which may be wrong ones: the role that it says it has is not checked by itself.
  grpc::Status CallWith(const PemFiles& files, bool fail_fast = true) {
    grpc::experimental::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(files.key, files.cert, files.ca, kPemRefreshSeconds));
    options.watch_root_certs();
    if (!files.cert.empty()) options.watch_identity_key_cert_pairs();
    return Call(address_, grpc::experimental::TlsCredentials(options), "/t.S/ForGateways", fail_fast);
  }

  TestAuthority authority_{"authority"};
  std::vector<ClusterCredentials> credentials_;  // They follow revocations as long as they live.
  std::vector<std::unique_ptr<EverythingService>> services_;
  std::vector<std::unique_ptr<grpc::Server>> servers_;
  std::string address_;
};

TEST_F(ClusterCredentialsTest, TheTableDecides) {
  ServeAs(PeerRole::kAttention);
  for (const PeerRole role : kPeerRoles) {
    const auto channel = As(role).ToRole(PeerRole::kAttention);
    EXPECT_EQ(Call(address_, channel, "/t.S/ForGateways", false).ok(), role == PeerRole::kGateway) << NameOf(role);
    const grpc::Status expert = Call(address_, channel, "/t.S/ForExperts", false);
    if (role != PeerRole::kExpert) {
      EXPECT_EQ(Text(expert), absl::StrCat("7 role ", NameOf(role), " may not call /t.S/ForExperts"));
    } else {
      EXPECT_TRUE(expert.ok()) << Text(expert);
    }
    EXPECT_EQ(Call(address_, channel, "/t.S/NotInTheTable", false).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(ClusterCredentialsTest, AClientHoldsTheServerToItsRole) {
  ServeAs(PeerRole::kExpert);
  const ClusterCredentials gateway = As(PeerRole::kGateway);
  EXPECT_TRUE(Call(address_, gateway.ToRole(PeerRole::kExpert), "/t.S/ForGateways", false).ok());
  const grpc::Status impostor = Call(address_, gateway.ToRole(PeerRole::kPlacement), "/t.S/ForGateways");
  EXPECT_EQ(impostor.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(impostor);
}

TEST_F(ClusterCredentialsTest, StrangersAreRefused) {
  ServeAs(PeerRole::kAttention);
  const std::string uri = UriOf(PeerRole::kGateway);
  const PemFiles good = authority_.Issue("good", {.uri = uri});
  EXPECT_TRUE(CallWith(good, false).ok());

  PemFiles none = good;
  none.cert = none.key = "";
  EXPECT_EQ(CallWith(none).error_code(), grpc::StatusCode::UNAVAILABLE);
  PemFiles foreign = TestAuthority("elsewhere").Issue("foreign", {.uri = uri});
  foreign.ca = good.ca;  // It trusts the server all the same.
  EXPECT_EQ(CallWith(foreign).error_code(), grpc::StatusCode::UNAVAILABLE);
  const PemFiles expired = authority_.Issue("expired", {.uri = uri, .ends_in_s = -60});
  EXPECT_EQ(CallWith(expired).error_code(), grpc::StatusCode::UNAVAILABLE);
  const PemFiles early = authority_.Issue("early", {.uri = uri, .begins_in_s = 600});
  EXPECT_EQ(CallWith(early).error_code(), grpc::StatusCode::UNAVAILABLE);
  const PemFiles no_role = authority_.Issue("no-role", {.uri = ""});
  EXPECT_EQ(CallWith(no_role, false).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  const PemFiles other = authority_.Issue("other", {.uri = "spiffe://elsewhere/gateway/test"});
  EXPECT_EQ(CallWith(other, false).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call(address_, grpc::InsecureChannelCredentials(), "/t.S/ForGateways").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ClusterCredentialsTest, AForeignServerIsHeldToItsName) {
  Serve(Load(authority_.Issue("here", {.uri = UriOf(PeerRole::kPlacement)}), PeerRole::kPlacement));
  EXPECT_TRUE(Call(address_, As(PeerRole::kGateway).ToHost(), "/t.S/ForGateways", false).ok());
  Serve(Load(authority_.Issue("there", {.uri = UriOf(PeerRole::kPlacement), .ip = "127.0.0.2"}), PeerRole::kPlacement));
  EXPECT_EQ(Call(address_, As(PeerRole::kGateway).ToHost(), "/t.S/ForGateways").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ClusterCredentialsTest, NewFilesComeIntoForceWithoutARestart) {
  ServeAs(PeerRole::kAttention);
  const ClusterCredentials client = As(PeerRole::kGateway);
  const auto works = [&] { return Call(address_, client.ToRole(PeerRole::kAttention), "/t.S/ForGateways").ok(); };
  const auto becomes = [&](bool wanted) {
    const absl::Time until = absl::Now() + kPatience;
    while (works() != wanted) {
      if (absl::Now() > until) return false;
    }
    return true;
  };
  EXPECT_TRUE(becomes(true));
  // Replaced by one that has expired, which nobody takes, and by a good one.
  authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention), .ends_in_s = -60});
  EXPECT_TRUE(becomes(false));
  authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention)});
  EXPECT_TRUE(becomes(true));
}

TEST_F(ClusterCredentialsTest, ARevokedClientMayCallNothingAndARevokedServerIsNotCalled) {
  const PemFiles gateway = authority_.Issue("gateway", {.uri = UriOf(PeerRole::kGateway)});
  PemFiles attention = authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention)});
  attention.crl = authority_.Revoke({gateway.cert});
  Serve(Load(attention, PeerRole::kAttention));
  const auto channel = Load(gateway, PeerRole::kGateway).ToRole(PeerRole::kAttention);
  EXPECT_EQ(Text(Call(address_, channel, "/t.S/ForGateways", false)), "16 this certificate has been revoked");
  EXPECT_TRUE(Call(address_, As(PeerRole::kExpert).ToRole(PeerRole::kAttention), "/t.S/ForExperts", false).ok());

  // Let in again, and out again, without a restart.
  const auto becomes = [&](grpc::StatusCode wanted) {
    const absl::Time until = absl::Now() + kPatience;
    while (Call(address_, channel, "/t.S/ForGateways", false).error_code() != wanted) {
      if (absl::Now() > until) return false;
    }
    return true;
  };
  authority_.Revoke({});
  EXPECT_TRUE(becomes(grpc::StatusCode::OK));
  authority_.Revoke({gateway.cert});
  EXPECT_TRUE(becomes(grpc::StatusCode::UNAUTHENTICATED));

  PemFiles expert = authority_.Issue("expert", {.uri = UriOf(PeerRole::kExpert)});
  expert.crl = authority_.Revoke({attention.cert});
  const grpc::Status refused = Call(address_, Load(expert, PeerRole::kExpert).ToRole(PeerRole::kAttention), "/t.S/ForExperts");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(refused);
}

TEST_F(ClusterCredentialsTest, OpenCallsOfARevokedClientEnd) {
  const PemFiles gateway = authority_.Issue("gateway", {.uri = UriOf(PeerRole::kGateway)});
  PemFiles attention = authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention)});
  attention.crl = authority_.Revoke({});
  Serve(Load(attention, PeerRole::kAttention));
  OpenCall revoked(MakeChannel(address_, Load(gateway, PeerRole::kGateway).ToRole(PeerRole::kAttention)));
  OpenCall other(MakeChannel(address_, As(PeerRole::kExpert).ToRole(PeerRole::kAttention)));

  authority_.Revoke({gateway.cert});
  EXPECT_EQ(revoked.End(), "16 this certificate has been revoked");
  other.Cancel();
  EXPECT_EQ(other.End(), "1 CANCELLED");
}

TEST_F(ClusterCredentialsTest, ARevokedServerIsLeftUntilItHasAnotherCertificate) {
  const PemFiles attention = authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention)});
  Serve(Load(attention, PeerRole::kAttention));
  const std::string address = address_;
  Serve(Load(authority_.Issue("other", {.uri = UriOf(PeerRole::kAttention)}), PeerRole::kAttention));
  PemFiles gateway = authority_.Issue("gateway", {.uri = UriOf(PeerRole::kGateway)});
  gateway.crl = authority_.Revoke({});
  const ClusterCredentials client = Load(gateway, PeerRole::kGateway);
  ChannelPool pool(client.ToRole(PeerRole::kAttention), kDefaultSilence);
  const auto channel = pool.To(address);
  OpenCall call(channel);
  OpenCall elsewhere(pool.To(address_));

  authority_.Revoke({attention.cert});
  EXPECT_EQ(call.End(), "14 the server's certificate has been revoked");
  EXPECT_EQ(Text(Call(channel, "/t.S/ForGateways")), "14 the server's certificate has been revoked");
  EXPECT_EQ(Call(pool.To(address), "/t.S/ForGateways").error_code(), grpc::StatusCode::UNAVAILABLE);
  elsewhere.Cancel();
  EXPECT_EQ(elsewhere.End(), "1 CANCELLED");

  // The connection over which it was reached is as old as the certificate before; only a new one shows the new certificate.
  authority_.Issue("attention", {.uri = UriOf(PeerRole::kAttention)});
  EXPECT_TRUE(Call(pool.To(address), "/t.S/ForGateways", false).ok());
}

TEST_F(ClusterCredentialsTest, AServerOfOtherAuthoritiesIsHeldToItsNameAndSeesWhoCalls) {
  const TestAuthority elsewhere("elsewhere");
  const PemFiles there = elsewhere.Issue("there", {.uri = UriOf(PeerRole::kPlacement)});
  Serve(Load(there, PeerRole::kPlacement));
  const auto call = [&](const ClusterCredentials& credentials, const std::string& ca) {
    const auto channel = credentials.ToHost(ca);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return Call(address_, *channel, "/t.S/ForGateways");
  };
  // Without a certificate of its authority the server ends the handshake.
  EXPECT_EQ(call(ClusterCredentials(), there.ca).error_code(), grpc::StatusCode::UNAVAILABLE);
  const PemFiles guest = elsewhere.Issue("guest", {.uri = UriOf(PeerRole::kGateway)});
  EXPECT_TRUE(call(Load(guest, PeerRole::kGateway), there.ca).ok());
  const PemFiles here = authority_.Issue("here", {.uri = UriOf(PeerRole::kGateway)});
  EXPECT_EQ(call(Load(guest, PeerRole::kGateway), here.ca).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ClusterCredentials().ToHost("/nowhere").status().message(), "/nowhere: cannot be read");
}

TEST_F(ClusterCredentialsTest, WrongFilesAreNamed) {
  const PemFiles good = authority_.Issue("good", {.uri = UriOf(PeerRole::kGateway)});
  const auto error = [](const PemFiles& files, PeerRole role = PeerRole::kGateway) {
    return std::string(ClusterCredentials::Mtls(files, role).status().message());
  };
  EXPECT_EQ(error(good), "");
  EXPECT_EQ(error({"", good.cert, "/nowhere"}), "/nowhere: cannot be read");
  EXPECT_EQ(error({good.ca, good.key, good.key}), absl::StrCat(good.key, ": expected a certificate in PEM"));
  EXPECT_EQ(error({good.key, good.cert, good.key}), absl::StrCat(good.key, ": expected a certificate in PEM"));
  EXPECT_EQ(error({good.ca, good.cert, good.key, good.ca}), absl::StrCat(good.ca, ": expected a certificate revocation list in PEM"));
  const PemFiles other = authority_.Issue("other", {.uri = ""});
  EXPECT_EQ(error({good.ca, good.cert, other.key}), absl::StrCat(other.key, ": not the key of ", good.cert));
  EXPECT_EQ(error(other), absl::StrCat(other.cert, ": expected the one URI spiffe://baleen/gateway/<id>, found []"));
  EXPECT_TRUE(absl::StrContains(error(good, PeerRole::kExpert), "spiffe://baleen/expert/<id>, found [spiffe://baleen/gateway/test]"));
}

TEST(PlaintextTest, AdmitsEverybody) {
  const ClusterCredentials plaintext;
  EXPECT_FALSE(plaintext.encrypted());
  EXPECT_EQ(plaintext.Server(kTable), nullptr);
}

}  // namespace
}  // namespace baleen
