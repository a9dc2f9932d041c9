// What the shim of release 0.1 sends, byte for byte as it was recorded once, has to be
// served by every later sidecar; and the page must lie as that shim reads it.
// The first argument is the folder of the recordings.

#define DOCTEST_CONFIG_IMPLEMENT
#include <control_generated.h>
#include <doctest/doctest.h>
#include <segment_generated.h>
#include <sidecar_ipc/protocol.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace ipc = sidecar::ipc_protocol;
namespace fbs = sidecar::fbs;

std::string folder;

struct Frame {
  ipc::FrameHeader header{};
  std::vector<std::uint64_t> payload;  // aligned
  std::size_t size = 0;
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(payload.data()); }
};

Frame recorded(const std::string& name) {
  std::ifstream file(folder + "/" + name, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Frame frame;
  REQUIRE_MESSAGE(bytes.size() > sizeof frame.header, name);
  REQUIRE(bytes.size() <= ipc::kMaxFrame);
  std::memcpy(&frame.header, bytes.data(), sizeof frame.header);
  CHECK(frame.header.magic == ipc::kMagic);
  REQUIRE(frame.header.header_words == 4);
  frame.size = bytes.size() - sizeof frame.header;
  CHECK(frame.header.payload_size == frame.size);
  frame.payload.resize((frame.size + 7) / 8);
  std::memcpy(frame.payload.data(), bytes.data() + sizeof frame.header, frame.size);
  return frame;
}

template <class Table>
const Table& control(const Frame& frame, ipc::FrameType type) {
  CHECK(frame.header.type == static_cast<std::uint8_t>(type));
  CHECK(frame.header.schema == ipc::kSchemaControl);
  REQUIRE(frame.size + sizeof frame.header <= ipc::kMaxControlFrame);
  flatbuffers::Verifier verifier(frame.data(), frame.size, ipc::kVerifyDepth, ipc::kVerifyMaxTables);
  REQUIRE(verifier.VerifySizePrefixedBuffer<Table>(nullptr));
  return *flatbuffers::GetSizePrefixedRoot<Table>(frame.data());
}

// The only record of the frame.
const fbs::Segment& segment(const Frame& frame, std::uint64_t seq) {
  CHECK(frame.header.type == static_cast<std::uint8_t>(ipc::FrameType::segments));
  CHECK(frame.header.schema == ipc::kSchemaSegment);
  CHECK(frame.header.revision == 0);
  CHECK(frame.header.first_seq == seq);
  REQUIRE(frame.header.count == 1);
  std::uint32_t length = 0;
  std::memcpy(&length, frame.data(), sizeof length);
  const std::size_t size = std::size_t{length} + 4;
  REQUIRE((size + 7) / 8 * 8 == frame.size);
  REQUIRE(flatbuffers::BufferHasIdentifier(frame.data(), fbs::SegmentIdentifier(), true));
  flatbuffers::Verifier verifier(frame.data(), size, ipc::kVerifyDepth,
                                 static_cast<flatbuffers::uoffset_t>(size / ipc::kVerifyBytesPerTable));
  REQUIRE(fbs::VerifySizePrefixedSegmentBuffer(verifier));
  return *fbs::GetSizePrefixedSegment(frame.data());
}

}  // namespace

TEST_SUITE_BEGIN("compat/0.1");

TEST_CASE("HELLO is still read") {
  const Frame frame = recorded("hello.bin");
  const auto& hello = control<fbs::Hello>(frame, ipc::FrameType::hello);
  CHECK(hello.protocol_min() == 0);
  CHECK(hello.protocol_max() == 0);
  CHECK(hello.segment_revision() == 0);
  CHECK(hello.service()->str() == "orders");
  CHECK(hello.instance() == nullptr);
  CHECK(hello.layer()->str() == "GENERAL");
  REQUIRE(hello.properties()->size() == 1);
  CHECK(hello.properties()->Get(0)->key()->str() == "version");
  CHECK(hello.properties()->Get(0)->value()->str() == "1.4");
  CHECK(hello.uuid()->high() != 0);
  CHECK(hello.process_epoch() != 0);
  CHECK(hello.oldest_seq() == 1);
  CHECK(hello.next_seq() == 1);
  CHECK(hello.pid() > 0);
  CHECK(hello.start_time_us() > 0);
  CHECK(hello.slot() == -1);
  CHECK_FALSE(hello.beats());
  CHECK(hello.retention_bytes() == 2u << 20);
  CHECK(hello.language()->str() == "cpp");
  CHECK(hello.shim_version()->str() == "0.1.0");
  CHECK(hello.exe()->str() == "/opt/shop/orders");
  REQUIRE(hello.drops() != nullptr);
  CHECK(hello.drops()->buffer_full() == 0);
  constexpr std::uint64_t kCapabilities = 1u << 0 | 1u << 2 | 1u << 4 | 1u << 7 | 1u << 11 | 1u << 12;
  CHECK(hello.capabilities() == kCapabilities);
}

TEST_CASE("segments are still read") {
  const Frame first = recorded("segments_1.bin");
  const auto& other = segment(first, 1);
  CHECK(other.trace_id() == nullptr);
  CHECK(other.trace_id_text()->str() == "3.4.5");
  REQUIRE(other.spans()->size() == 1);
  CHECK(other.spans()->Get(0)->type() == fbs::SpanType::Local);
  const auto& across = *other.spans()->Get(0)->refs()->Get(0);
  CHECK(across.type() == fbs::RefType::CrossThread);
  REQUIRE(across.segment_id() != nullptr);
  CHECK(across.parent_service()->str() == "orders");

  const Frame second = recorded("segments_2.bin");
  const auto& got = segment(second, 2);
  CHECK(across.segment_id()->p3() == got.segment_id()->p3());
  CHECK_FALSE(got.size_limited());
  REQUIRE(got.spans()->size() == 2);
  const auto& entry = *got.spans()->Get(0);
  CHECK(entry.span_id() == 0);
  CHECK(entry.parent_span_id() == -1);
  CHECK(entry.start_us() > 1'700'000'000'000'000);
  CHECK(entry.duration_us() >= 0);
  CHECK(entry.type() == fbs::SpanType::Entry);
  CHECK(entry.layer() == 3);
  CHECK(entry.component() == 49);
  CHECK_FALSE(entry.error());
  CHECK(entry.skip_analysis());
  CHECK(entry.operation()->str() == "GET:/orders");
  CHECK(entry.peer() == nullptr);
  CHECK(entry.tags()->Get(0)->key()->str() == "http.method");
  CHECK(entry.tags()->Get(0)->value()->str() == "GET");
  const auto& ref = *entry.refs()->Get(0);
  CHECK(ref.type() == fbs::RefType::CrossProcess);
  CHECK(ref.segment_id_text()->str() == "1.2.3");
  CHECK(ref.span_id() == 4);
  CHECK(ref.parent_instance()->str() == "instance");
  CHECK(ref.parent_endpoint()->str() == "/app");
  CHECK(ref.address()->str() == "127.0.0.1:8080");
  const auto& exit = *got.spans()->Get(1);
  CHECK(exit.parent_span_id() == 0);
  CHECK(exit.type() == fbs::SpanType::Exit);
  CHECK(exit.error());
  CHECK(exit.peer()->str() == "sqlite:shop");
  CHECK(exit.tags()->size() == 2);
  CHECK(exit.logs()->Get(0)->time_us() >= exit.start_us());
  CHECK(exit.logs()->Get(0)->data()->Get(1)->value()->str() == "sqlite");
}

TEST_CASE("BYE is still read") {
  const Frame frame = recorded("bye.bin");
  const auto& bye = control<fbs::Bye>(frame, ipc::FrameType::bye);
  CHECK(bye.last_seq() == 2);
  CHECK(bye.created() == 2);
  CHECK(bye.drops()->exit_deadline() == 0);
  CHECK((frame.header.flags & ipc::kFlagLast) != 0);
}

TEST_CASE("the page lies where that shim reads it") {
  CHECK(ipc::kPageSize == 4096);
  CHECK(ipc::kPageMagic == 0x01475057);
  CHECK(ipc::page::kMagic == 0);
  CHECK(ipc::page::kWords == 4);
  CHECK(ipc::page::kBeat == 8);
  CHECK(ipc::page::kSidecarEpoch == 16);
  CHECK(ipc::page::kAccepted == 24);
  CHECK(ipc::page::kSettled == 32);
  CHECK(ipc::page::kFramesWaiting == 40);
  CHECK(ipc::page::kSampling == 48);
  CHECK(ipc::page::kFlags == 56);
  CHECK(ipc::kPageEnabled == 1);
  CHECK(ipc::page::kUsedWords >= 19);
  CHECK(ipc::kBeatPeriodMs < 1000);
}

TEST_CASE("the numbers that it knows are what they were") {
  CHECK(static_cast<int>(ipc::FrameType::welcome) == 0xC1);
  CHECK(static_cast<int>(ipc::FrameType::ack) == 0x82);
  CHECK(static_cast<int>(ipc::FrameType::drain) == 0x84);
  CHECK(static_cast<int>(ipc::FrameType::reject) == 0xC5);
  CHECK(static_cast<int>(ipc::FrameType::rehello) == 0xC6);
  CHECK(static_cast<int>(ipc::FrameType::probe) == 0x87);
  CHECK(ipc::kMaxFrame >= 192 * 1024);
  CHECK(ipc::kMaxRecordsPerFrame >= 64);
}

TEST_SUITE_END();

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  folder = argv[1];
  doctest::Context context(argc - 1, argv + 1);
  return context.run();
}
