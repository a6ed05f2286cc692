#include "services/kv/transfer/block_copy.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "proto/baleen/v1/kv.pb.h"
#include "services/kv/transfer/block_copier.h"
#include "services/kv/transfer/block_copy_receiver.h"
#include "transport/inproc/inproc_network.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 3, .width = 4, .dtype = DType::kBf16};
const size_t kBlockBytes = static_cast<size_t>(kShape.BlockBytes());
constexpr int64_t kBlocks = 16;
constexpr char kAddress[] = "decode-1";

std::unique_ptr<BlockPool> NewPool(const KvShape& shape = kShape) {
  return std::make_unique<BlockPool>(shape, kBlocks * shape.BlockBytes());
}

// A prompt's blocks by name, alike up to `differ_from`.
std::vector<BlockHash> Names(size_t count, int32_t prompt = 0, size_t differ_from = 0) {
  std::vector<BlockHash> names;
  BlockHash parent = RootBlockHash("n", "");
  for (size_t i = 0; i < count; ++i) {
    const std::vector<int32_t> tokens(64, static_cast<int32_t>(i) + (i >= differ_from ? 100 * prompt : 0));
    names.push_back(parent = ChildBlockHash(parent, tokens));
  }
  return names;
}

// Answers to single messages, whatever they hold.
class Answers final : public Connection {
 public:
  absl::Status Send(Message message) override {
    EXPECT_TRUE(last.ParseFromString(message.header));
    return absl::OkStatus();
  }
  void Close() override { closed = true; }
  v1::KvBlockAckHeader last;
  bool closed = false;
};

class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch() + absl::Seconds(seconds.load()); }
  void Sleep(absl::Duration) override {}
  std::atomic<int> seconds = 0;
};

// All of its streams end with one status at once.
class EndingConnector final : public Connector {
 public:
  explicit EndingConnector(absl::Status end) : end_(std::move(end)) {}
  std::shared_ptr<Connection> Connect(const std::string&, const std::string&, StreamHandlers handlers) override {
    ++streams;
    handlers.on_closed(end_);
    return std::make_shared<Answers>();
  }
  int streams = 0;

 private:
  const absl::Status end_;
};

// The worker that decodes, and the one that keeps copies.
class BlockCopyTest : public testing::Test {
 protected:
  BlockCopyTest() { Serve(); }
  ~BlockCopyTest() override { network_.Kill(kAddress); }

  void Serve() {
    const AcceptFunction accept = AcceptKvCopies(standby_.get());
    const AcceptFunction counting = [this, accept](std::shared_ptr<Connection> connection) {
      StreamHandlers handlers = accept(std::move(connection));
      return StreamHandlers{.on_message =
                                [this, on_message = handlers.on_message](Message message) {
                                  sent_bytes_ += message.payload.size;
                                  if (spoils_ && message.payload.size > 0) {
                                    std::vector<std::byte> content(message.payload.data, message.payload.data + message.payload.size);
                                    content[5] ^= std::byte{1};
                                    message.payload = Payload::Own(std::move(content));
                                  }
                                  on_message(std::move(message));
                                  Count(answered_);
                                },
                            .on_closed = handlers.on_closed};
    };
    ASSERT_TRUE(network_.Listen(kAddress, kKvCopyMethod, counting).ok());
  }

  // A sequence's blocks with content of their own, cached by these names.
  std::vector<BlockId> Fill(absl::Span<const BlockHash> names) {
    std::vector<BlockId> blocks = own_->Allocate(static_cast<int64_t>(names.size())).value();
    for (size_t i = 0; i < blocks.size(); ++i) {
      std::memset(own_->Page(blocks[i], 0), names[i][0], kBlockBytes);
      own_->Publish(blocks[i], names[i]);
    }
    return blocks;
  }

  void Count(int& counter) {
    const std::lock_guard lock(mu_);
    ++counter;
    changed_.notify_all();
  }
  int Counted(const int& counter) {
    const std::lock_guard lock(mu_);
    return counter;
  }
  void WaitForAnswers(int answers) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return answered_ >= answers; });
  }
  void WaitForVerdicts(int kept, int refused) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return kept_ >= kept && refused_ >= refused; });
  }

  void ExpectCopies(absl::Span<const BlockHash> names) {
    const std::vector<BlockId> blocks = standby_->AcquireCached(names);
    ASSERT_EQ(blocks.size(), names.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      const std::vector<std::byte> expected(kBlockBytes, std::byte{names[i][0]});
      EXPECT_EQ(std::memcmp(standby_->Page(blocks[i], 0), expected.data(), expected.size()), 0) << "block " << i;
    }
    standby_->ReleaseAll(blocks);
  }

  InprocNetwork network_;
  std::unique_ptr<BlockPool> own_ = NewPool();
  std::unique_ptr<BlockPool> standby_ = NewPool();
  std::atomic<size_t> sent_bytes_ = 0;
  std::atomic<bool> spoils_ = false;
  std::mutex mu_;
  std::condition_variable changed_;
  int answered_ = 0;
  int kept_ = 0;
  int refused_ = 0;
  FakeClock clock_;
  BlockCopier copier_{&network_, own_.get(), &clock_, [this](bool kept) { Count(kept ? kept_ : refused_); }};
};

TEST_F(BlockCopyTest, BlocksArriveBitForBitAndNobodyHoldsThem) {
  const std::vector<BlockHash> names = Names(5);
  const std::vector<BlockId> blocks = Fill(names);
  copier_.Copy(1, kAddress, absl::MakeConstSpan(names).subspan(0, 3));
  WaitForVerdicts(3, 0);
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(5, 0);
  ExpectCopies(names);
  EXPECT_EQ(sent_bytes_, 5 * kBlockBytes);
  EXPECT_EQ(standby_->free_blocks(), kBlocks);
  own_->ReleaseAll(blocks);
  EXPECT_EQ(own_->free_blocks(), kBlocks);
}

TEST_F(BlockCopyTest, WhatTheOtherHasIsNotSentAgain) {
  const std::vector<BlockHash> first = Names(3), second = Names(4, 1, 2);
  const std::vector<BlockId> of_first = Fill(first);
  copier_.Copy(1, kAddress, first);
  WaitForVerdicts(3, 0);
  const std::vector<BlockId> of_second = Fill(second);  // Of these the first two stay those of the first.
  copier_.Copy(2, kAddress, second);
  WaitForVerdicts(5, 0);
  ExpectCopies(second);
  EXPECT_EQ(sent_bytes_, 5 * kBlockBytes);
}

TEST_F(BlockCopyTest, ASpoiledBlockIsRefusedAndComesWithTheNextCall) {
  const std::vector<BlockHash> names = Names(2);
  Fill(names);
  spoils_ = true;
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(0, 1);
  EXPECT_EQ(standby_->cached_blocks(), 0);
  spoils_ = false;
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(2, 1);
  ExpectCopies(names);
}

TEST_F(BlockCopyTest, NoCopyTakesTheLastEighthOfThePool) {
  const std::vector<BlockHash> names = Names(2);
  Fill(names);
  std::vector<BlockId> busy = standby_->Allocate(kBlocks - 1).value();
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(0, 1);
  standby_->Release(busy.back());
  busy.pop_back();
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(2, 1);  // The first one, being cached, is as good as free.
  ExpectCopies(names);
}

TEST_F(BlockCopyTest, ABlockIsTakenOnlyBehindAllBeforeIt) {
  const std::vector<BlockHash> names = Names(3);
  Fill(names);
  copier_.Copy(1, kAddress, absl::MakeConstSpan(names).subspan(0, 2));
  WaitForVerdicts(2, 0);
  const std::vector<BlockId> all = standby_->Allocate(kBlocks).value();  // Whoever needs the memory has it.
  standby_->ReleaseAll(all);
  EXPECT_EQ(standby_->cached_blocks(), 0);
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(2, 1);
  EXPECT_EQ(standby_->cached_blocks(), 0);
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(5, 1);
  ExpectCopies(names);
}

TEST_F(BlockCopyTest, ABlockThatIsUsedKeepsThoseBeforeIt) {
  const std::vector<BlockHash> names = Names(6), others = Names(4, 1);
  Fill(names);
  copier_.Copy(1, kAddress, absl::MakeConstSpan(names).subspan(0, 5));
  WaitForVerdicts(5, 0);
  Fill(others);
  copier_.Copy(2, kAddress, others);
  WaitForVerdicts(9, 0);
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(10, 0);
  // Of 16 blocks 10 are cached, the other sequence's being older now.
  standby_->ReleaseAll(standby_->Allocate(kBlocks - 6).value());
  ExpectCopies(names);
}

TEST_F(BlockCopyTest, AWorkerThatComesBackIsAskedAnew) {
  const std::vector<BlockHash> names = Names(3);
  Fill(names);
  copier_.Copy(1, kAddress, absl::MakeConstSpan(names).subspan(0, 1));
  WaitForVerdicts(1, 0);
  network_.Kill(kAddress);
  standby_->ReleaseAll(standby_->Allocate(kBlocks).value());
  Serve();
  while (Counted(kept_) < 4) copier_.Copy(1, kAddress, names);  // The first ones may still meet the old stream.
  ExpectCopies(names);
}

TEST_F(BlockCopyTest, AWorkerThatServesNoCopiesIsLeftAloneForAWhile) {
  const std::vector<BlockHash> names = Names(1);
  EndingConnector older(absl::UnimplementedError("no such method"));
  BlockCopier copier(&older, own_.get(), &clock_, [](bool) {});
  for (const int second : {0, 0, 59}) {
    clock_.seconds = second;
    for (const uint64_t sequence : {1, 2}) copier.Copy(sequence, kAddress, names);
    EXPECT_EQ(older.streams, 1);
  }
  clock_.seconds = 60;
  copier.Copy(1, kAddress, names);
  EXPECT_EQ(older.streams, 2);
}

TEST_F(BlockCopyTest, ABrokenConnectionIsTriedAgainAtOnce) {
  EndingConnector unreachable(absl::UnavailableError("connection refused"));
  BlockCopier copier(&unreachable, own_.get(), &clock_, [](bool) {});
  for (int streams = 1; streams <= 3; ++streams) {
    copier.Copy(1, kAddress, Names(1));
    EXPECT_EQ(unreachable.streams, streams);
  }
}

TEST_F(BlockCopyTest, AWorkerWithAnotherShapeIsLeftAloneForAWhile) {
  const std::vector<BlockHash> names = Names(2);
  Fill(names);
  const std::unique_ptr<BlockPool> other = NewPool({.layers = 4, .width = 4, .dtype = DType::kBf16});
  std::atomic<int> streams = 0;
  const AcceptFunction counting = [&, accept = AcceptKvCopies(other.get())](std::shared_ptr<Connection> connection) {
    ++streams;
    return accept(std::move(connection));
  };
  ASSERT_TRUE(network_.Listen("other", kKvCopyMethod, counting).ok());
  copier_.Copy(1, "other", names);
  WaitForVerdicts(0, 1);
  for (const uint64_t sequence : {1, 2}) copier_.Copy(sequence, "other", names);
  clock_.seconds = 60;
  copier_.Copy(2, "other", names);
  WaitForVerdicts(0, 2);
  EXPECT_EQ(streams, 2);  // The second one a minute after the first.
  network_.Kill("other");
}

TEST_F(BlockCopyTest, WhatIsNotCachedHereAnyMoreIsLeftOut) {
  const std::vector<BlockHash> names = Names(2);
  own_->ReleaseAll(Fill(absl::MakeConstSpan(names).subspan(0, 1)));
  copier_.Copy(1, kAddress, names);
  WaitForVerdicts(1, 0);
  copier_.Copy(2, kAddress, absl::MakeConstSpan(names).subspan(1, 1));
  WaitForAnswers(3);
  ExpectCopies(absl::MakeConstSpan(names).subspan(0, 1));
  EXPECT_EQ(sent_bytes_, kBlockBytes);
}

TEST_F(BlockCopyTest, AForgottenSequenceIsNotCopiedOn) {
  const std::vector<BlockHash> names = Names(3);
  Fill(names);
  std::mutex mu;
  std::condition_variable changed;
  std::vector<size_t> sizes;
  std::shared_ptr<Connection> connection;
  const auto wait_for = [&](size_t messages) {
    std::unique_lock lock(mu);
    changed.wait(lock, [&] { return sizes.size() >= messages; });
  };
  const AcceptFunction silent = [&](std::shared_ptr<Connection> accepted) {
    connection = std::move(accepted);
    return StreamHandlers{.on_message =
                              [&](Message message) {
                                const std::lock_guard lock(mu);
                                sizes.push_back(message.payload.size);
                                changed.notify_all();
                              },
                          .on_closed = [](absl::Status) {}};
  };
  ASSERT_TRUE(network_.Listen("silent", kKvCopyMethod, silent).ok());
  copier_.Copy(1, "silent", names);
  wait_for(1);
  copier_.Forget(1);
  copier_.Forget(1);
  ASSERT_TRUE(connection->Send({.header = v1::KvBlockAckHeader().SerializeAsString(), .payload = {}}).ok());  // None is there.
  copier_.Copy(2, "silent", names);
  wait_for(2);
  EXPECT_EQ(sizes, (std::vector<size_t>{0, 0}));  // Two questions and no block.
  network_.Kill("silent");
}

TEST(BlockCopyReceiverTest, RefusesWhatDoesNotFit) {
  const std::unique_ptr<BlockPool> pool = NewPool();
  const auto answers = std::make_shared<Answers>();
  const StreamHandlers handlers = AcceptKvCopies(pool.get())(answers);
  const auto error_of = [&](const v1::KvBlockHeader& header, size_t bytes) {
    handlers.on_message({.header = header.SerializeAsString(), .payload = Payload::Own(std::vector<std::byte>(bytes))});
    return answers->last.error();
  };
  v1::KvBlockHeader header;
  EXPECT_NE(error_of(header, 0).find("names of blocks have 0 bytes"), std::string::npos);
  header.set_names("short");
  EXPECT_NE(error_of(header, 0).find("names of blocks have 5 bytes"), std::string::npos);
  header.set_names(PackNames(Names(1)));
  header.set_dtype(v1::DTYPE_F32);
  EXPECT_NE(error_of(header, kBlockBytes).find("dtype"), std::string::npos);
  header.set_dtype(v1::DTYPE_BF16);
  EXPECT_NE(error_of(header, kBlockBytes - 1).find("bytes, this worker's have"), std::string::npos);
  EXPECT_TRUE(answers->last.takes_none());
  EXPECT_NE(error_of(header, kBlockBytes).find("checksum"), std::string::npos);
  EXPECT_FALSE(answers->last.takes_none());
  EXPECT_EQ(error_of(header, 0), "");
  EXPECT_EQ(pool->cached_blocks(), 0);
  AcceptKvCopies(nullptr)(answers).on_message({.header = header.SerializeAsString(), .payload = {}});
  EXPECT_NE(answers->last.error().find("keeps no prefixes"), std::string::npos);
  EXPECT_FALSE(answers->closed);
  handlers.on_message({.header = "\xff\xff", .payload = {}});
  EXPECT_TRUE(answers->closed);
}

}  // namespace
}  // namespace baleen
