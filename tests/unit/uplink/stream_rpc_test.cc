#include "uplink/stream_rpc.h"

#include <doctest/doctest.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <optional>

#include "loop/uv_loop.h"
#include "test_collector.h"
#include "uplink/v3/collection_cut.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 60s;
constexpr char kCollect[] = "/TraceSegmentReportService/collect";

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

wire::v3::SegmentObject segment_of(std::size_t size) {
  wire::v3::SegmentObject segment;
  segment.set_trace_id(std::string(size, 'x'));
  return segment;
}

struct Answer {
  grpc::Status status;
  bool whole;
};

// Sends `messages` and waits for the answer.
std::optional<Answer> call(const TestCollector& server, std::vector<grpc::ByteBuffer> messages) {
  std::optional<Answer> result;
  UvLoop loop;
  CompletionThread completions(loop);
  grpc::GenericStub stub(grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials()));
  const auto limit = loop.make_timer([&] { loop.stop(); });
  limit->start(kLimit);
  const StreamRpc rpc(completions, stub, kCollect, std::move(messages), CallTerms{kLimit, {}},
                      [&](const grpc::Status& status, const grpc::ByteBuffer&, bool whole) {
                        result = Answer{status, whole};
                        loop.stop();
                      });
  loop.run();
  return result;
}

}  // namespace

TEST_SUITE("uplink/stream_rpc") {
  TEST_CASE("a stream without messages is closed and answered") {
    TestCollector server;
    const auto answer = call(server, {});
    REQUIRE(answer);
    CHECK(answer->status.ok());
    CHECK(answer->whole);
  }

  TEST_CASE("every number of messages around a flush arrives") {
    for (const std::size_t count : {1, 2, 15, 16, 17, 32, 33}) {
      CAPTURE(count);
      TestCollector server;
      const auto answer =
          call(server, std::vector<grpc::ByteBuffer>(count, buffer_of(segment_of(10).SerializeAsString())));
      REQUIRE(answer);
      CHECK(answer->status.ok());
      CHECK(answer->whole);
      CHECK(server.store().segment_count() == count);
    }
  }

  TEST_CASE("an OK that comes before the last message was on its way says so") {
    TestCollector server;
    server.misbehave({.fault = Fault::garbage, .method = "collect", .times = 1});
    // more than a server takes in that does not read
    const auto answer =
        call(server, std::vector<grpc::ByteBuffer>(24, buffer_of(segment_of(1 << 20).SerializeAsString())));
    REQUIRE(answer);
    CHECK(answer->status.ok());
    CHECK_FALSE(answer->whole);
  }

  TEST_CASE("a collection is cut into its segments, of every length") {
    wire::v3::SegmentCollection collection;
    for (const std::size_t size : {0, 1, 120, 127, 128, 20'000, 3'000'000})
      *collection.add_segments() = segment_of(size);
    const std::vector<grpc::ByteBuffer> cuts = v3::cut(buffer_of(collection.SerializeAsString()));
    REQUIRE(cuts.size() == 7);
    for (int i = 0; i < 7; ++i) {
      grpc::Slice slice;
      REQUIRE(cuts[static_cast<std::size_t>(i)].DumpToSingleSlice(&slice).ok());
      CHECK(std::string(reinterpret_cast<const char*>(slice.begin()), slice.size()) ==
            collection.segments(i).SerializeAsString());
    }
    CHECK(v3::cut(buffer_of("")).empty());
  }
}
