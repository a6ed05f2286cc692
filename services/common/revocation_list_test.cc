#include "services/common/revocation_list.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/testing/test_certificates.h"

namespace baleen {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(5);
constexpr absl::Duration kPatience = absl::Seconds(20);

std::string Pem(const std::string& path) { return ReadPem(path).value_or(""); }

TEST(RevocationListTest, KnowsTheRevokedAndFollowsItsFile) {
  const TestAuthority authority("authority");
  const PemFiles bad = authority.Issue("bad", {});
  const PemFiles good = authority.Issue("good", {});
  const std::string path = authority.Revoke({bad.cert});
  const auto file = RevocationFile::Watch(path, good.ca, kPeriod);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->list()->Revoked(Pem(bad.cert)));
  EXPECT_FALSE((*file)->list()->Revoked(Pem(good.cert)));
  EXPECT_TRUE((*file)->list()->Revoked("no certificate"));

  // What cannot be read changes nothing; what can, does.
  std::ofstream(path) << "no list";
  authority.Revoke({good.cert});
  const absl::Time until = absl::Now() + kPatience;
  while (!(*file)->list()->Revoked(Pem(good.cert)) && absl::Now() < until) std::this_thread::yield();
  EXPECT_TRUE((*file)->list()->Revoked(Pem(good.cert)));
  EXPECT_FALSE((*file)->list()->Revoked(Pem(bad.cert)));
}

TEST(RevocationListTest, TheSameNumberOfAnotherAuthorityIsAnotherCertificate) {
  const TestAuthority authority("authority"), elsewhere("elsewhere");
  const PemFiles bad = authority.Issue("bad", {});
  const auto file = RevocationFile::Watch(authority.Revoke({bad.cert}), bad.ca, kPeriod);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE((*file)->list()->Revoked(Pem(elsewhere.Issue("theirs", {}).cert)));
}

TEST(RevocationListTest, NamesTheFileThatIsWrong) {
  const TestAuthority authority("authority"), elsewhere("elsewhere");
  const PemFiles own = authority.Issue("own", {});
  elsewhere.Issue("theirs", {});
  const std::string foreign = elsewhere.Revoke({});
  const auto error = [](const std::string& crl, const std::string& ca) {
    return std::string(RevocationFile::Watch(crl, ca, kPeriod).status().message());
  };
  EXPECT_EQ(error("/nowhere", own.ca), "/nowhere: cannot be read");
  EXPECT_EQ(error(own.cert, own.ca), absl::StrCat(own.cert, ": expected a certificate revocation list in PEM"));
  EXPECT_EQ(error(foreign, own.ca), absl::StrCat(foreign, ": a list is not signed by an authority of ", own.ca));
}

}  // namespace
}  // namespace baleen
