// Frames of the sidecar, as flatc's code builds them, read by the shim's own reader.

#include <control_generated.h>
#include <doctest/doctest.h>
#include <sidecar/shim.h>

using namespace sidecar;
using detail::read_server_frame;
using detail::ServerFrame;
namespace ipc = sidecar::ipc_protocol;

namespace {

template <class Table>
std::vector<unsigned char> frame(ipc::FrameType type, flatbuffers::FlatBufferBuilder& b,
                                 flatbuffers::Offset<Table> root, unsigned more_words = 0) {
  b.FinishSizePrefixed(root);
  ipc::FrameHeader header{};
  header.magic = ipc::kMagic;
  header.header_words = static_cast<std::uint8_t>(ipc::kHeaderWords + more_words);
  header.type = static_cast<std::uint8_t>(type);
  header.payload_size = b.GetSize();
  std::vector<unsigned char> bytes(sizeof header + more_words * 8 + b.GetSize());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header + more_words * 8, b.GetBufferPointer(), b.GetSize());
  return bytes;
}

std::vector<unsigned char> welcome() {
  flatbuffers::FlatBufferBuilder b;
  const auto name = b.CreateString("svc@host#2");
  const auto service = b.CreateString("svc|ns|east");
  const auto prefix = b.CreateString("east/");
  return frame(
      ipc::FrameType::welcome, b,
      fbs::CreateWelcome(b, 0, 7, 42, true, 100, 90, 196608, name, 2, 300, false, 1000, 77, 1, service, prefix));
}

std::vector<unsigned char> config() {
  flatbuffers::FlatBufferBuilder b;
  const auto suffixes = b.CreateVectorOfStrings({".jpg", ".css"});
  const auto patterns = b.CreateVectorOfStrings({"/health/**"});
  return frame(ipc::FrameType::config, b, fbs::CreateConfig(b, 1, suffixes, patterns));
}

ServerFrame read(const std::vector<unsigned char>& bytes) { return read_server_frame(bytes.data(), bytes.size()); }

}  // namespace

TEST_SUITE_BEGIN("shim/control");

TEST_CASE("every field of every frame is read") {
  {
    const auto bytes = welcome();
    const ServerFrame f = read(bytes);
    REQUIRE(f.kind == ServerFrame::Kind::welcome);
    CHECK(f.sidecar_epoch == 42);
    CHECK(f.known);
    CHECK(f.accepted == 100);
    CHECK(f.settled == 90);
    CHECK(f.max_frame == 196608);
    CHECK(f.instance == "svc@host#2");
    CHECK(f.slot == 2);
    CHECK(f.sampling == 300);
    CHECK_FALSE(f.enabled);
    CHECK(f.service == "svc|ns|east");
    CHECK(f.peer_prefix == "east/");
  }
  {
    const auto bytes = config();
    const ServerFrame f = read(bytes);
    REQUIRE(f.kind == ServerFrame::Kind::config);
    REQUIRE(f.ignore_suffixes.size() == 2);
    CHECK(f.ignore_suffixes[0] == ".jpg");
    CHECK(f.ignore_suffixes[1] == ".css");
    REQUIRE(f.ignore_patterns.size() == 1);
    CHECK(f.ignore_patterns[0] == "/health/**");
  }
  {
    flatbuffers::FlatBufferBuilder b;
    const ServerFrame f = read(frame(ipc::FrameType::ack, b, fbs::CreateAck(b, 5, 4)));
    CHECK(f.kind == ServerFrame::Kind::ack);
    CHECK(f.accepted == 5);
    CHECK(f.settled == 4);
  }
  {
    flatbuffers::FlatBufferBuilder b;
    const ServerFrame f = read(frame(ipc::FrameType::drain, b, fbs::CreateDrain(b, 1, 2, 3)));
    CHECK(f.kind == ServerFrame::Kind::drain);
    CHECK(f.send_within_ms == 1);
    CHECK(f.reconnect_after_ms == 2);
    CHECK(f.jitter_ms == 3);
  }
  {
    flatbuffers::FlatBufferBuilder b;
    const ServerFrame f =
        read(frame(ipc::FrameType::reject, b, fbs::CreateReject(b, 5, b.CreateString("no"), 7, true)));
    CHECK(f.kind == ServerFrame::Kind::reject);
    CHECK(f.code == 5);
    CHECK(f.retry_after_ms == 7);
    CHECK(f.permanent);
  }
  {
    flatbuffers::FlatBufferBuilder b;
    const ServerFrame f = read(frame(ipc::FrameType::rehello, b, fbs::CreateRehello(b, 8)));
    CHECK(f.kind == ServerFrame::Kind::rehello);
    CHECK(f.sidecar_epoch == 8);
  }
  {
    flatbuffers::FlatBufferBuilder b;
    const ServerFrame f = read(frame(ipc::FrameType::probe, b, fbs::CreateProbe(b, 9), 3));  // a longer header
    CHECK(f.kind == ServerFrame::Kind::probe);
    CHECK(f.token == 9);
  }
}

TEST_CASE("absent fields have the schema's defaults") {
  flatbuffers::FlatBufferBuilder b;
  const ServerFrame f = read(frame(ipc::FrameType::welcome, b, fbs::CreateWelcome(b)));
  CHECK(f.kind == ServerFrame::Kind::welcome);
  CHECK(f.sampling == -1);
  CHECK(f.enabled);
  CHECK(f.instance.empty());
  CHECK_FALSE(f.known);
}

TEST_CASE("an unknown frame is skipped unless it must be understood") {
  flatbuffers::FlatBufferBuilder b;
  auto bytes = frame(ipc::FrameType::probe, b, fbs::CreateProbe(b, 9));
  bytes[5] = 0xBF;
  CHECK(read(bytes).kind == ServerFrame::Kind::skip);
  bytes[5] = 0xFF;
  CHECK(read(bytes).kind == ServerFrame::Kind::bad);
  bytes[5] = 0x42;  // of a client
  CHECK(read(bytes).kind == ServerFrame::Kind::bad);
}

TEST_CASE("no truncation is read, and no flipped bit does harm") {
  for (const auto& bytes : {welcome(), config()}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<unsigned char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(read(cut).kind == ServerFrame::Kind::bad);
    }
    unsigned bad = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ 1u << bit % 8);
      const ServerFrame f = read(flipped);
      bad += f.kind == ServerFrame::Kind::bad ? 1 : 0;
      for (std::size_t i = 0; i < f.ignore_suffixes.size(); ++i) CHECK(f.ignore_suffixes[i].size() < bytes.size());
    }
    CHECK(bad > 100);
  }
}

TEST_SUITE_END();
