// Order, retention and replay: what happens between a finished segment and the
// sidecar's marks.

#include <pthread.h>
#include <sys/stat.h>

#include "fixture.h"

using namespace sidecar;
using namespace sidecar_test;

namespace {

void check_rising(const Peer& peer, std::size_t from = 0) {
  for (std::size_t i = from + 1; i < peer.segments.size(); ++i)
    CHECK(peer.segments[i].seq == peer.segments[i - 1].seq + 1);
}

// Back-off is random and counts real time; what is asked of it is that it ends.
template <class Done>
bool on_idle_until(Fixture& f, Done done) {
  return f.peer.serve_until([&] {
    f.tracer.on_idle();
    f.peer.serve();
    return done();
  });
}

}  // namespace

TEST_SUITE_BEGIN("shim/transport");

TEST_CASE("segments follow HELLO without waiting, in order, numbered from 1") {
  Fixture f;
  f.peer.welcoming = false;
  f.finish(5);
  f.peer.serve();
  CHECK(f.peer.hellos.size() == 1);
  REQUIRE(f.peer.segments.size() == 5);
  CHECK(f.peer.segments[0].seq == 1);
  check_rising(f.peer);
  const Stats s = f.tracer.stats();
  CHECK(s.created == 5);
  CHECK(s.sent == 5);
  CHECK(s.waiting == 0);
  CHECK(s.accepted == 0);
}

TEST_CASE("what the socket refuses waits, and goes first and several a frame") {
  Fixture f;
  f.connect();
  f.peer.reading = false;
  unsigned sent = 1;
  while (f.tracer.stats().send_blocked == 0 && sent < 5000) f.finish(), ++sent;
  f.finish(20);
  CHECK(f.tracer.stats().waiting == 21);
  f.peer.reading = true;
  f.peer.serve();
  const int frames = f.peer.frames;
  f.finish();
  f.peer.serve();
  CHECK(f.peer.frames == frames + 1);
  CHECK(f.tracer.stats().waiting == 0);
  CHECK(f.peer.segments.size() == sent - 1 + 21);
  check_rising(f.peer);
}

TEST_CASE("marks on the page show in the stats, and never pass what was sent") {
  Fixture f;
  f.connect();
  f.finish(9);
  f.peer.serve();
  f.peer.set_marks(7, 5);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().accepted == 7);
  CHECK(f.tracer.stats().settled == 5);
  f.peer.set_marks(1'000'000, 1'000'000);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().accepted == 10);
  CHECK(f.tracer.stats().settled == 10);
  f.peer.set_marks(3, 2);  // they do not go back either
  f.tracer.on_idle();
  CHECK(f.tracer.stats().settled == 10);
  f.finish();
  f.peer.serve();
  CHECK(f.peer.last_seq() == 11);
}

TEST_CASE("another sidecar gets everything after settled again, marked as replay, in order") {
  Fixture f;
  f.connect();
  f.finish(9);  // 2..10
  f.peer.serve();
  f.peer.set_marks(8, 4);
  f.tracer.on_idle();
  f.peer.restart(2);
  f.peer.segments.clear();
  REQUIRE(on_idle_until(f, [&] { return f.peer.last_seq() == 10; }));
  f.finish(2);
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 8);
  CHECK(f.peer.segments[0].seq == 5);
  check_rising(f.peer);
  CHECK(f.peer.segments[5].replay);
  CHECK_FALSE(f.peer.segments[6].replay);
  const fbs::Hello& hello = f.peer.hello(1);
  CHECK(hello.oldest_seq() == 5);
  CHECK(hello.next_seq() == 11);
  CHECK(hello.sidecar_epoch() == 1);
  CHECK(hello.process_epoch() == f.peer.hello(0).process_epoch());
  CHECK(hello.uuid()->high() == f.peer.hello(0).uuid()->high());
  CHECK(f.tracer.stats().reconnects == 1);
}

TEST_CASE("the same sidecar is not sent again what it says it has") {
  Fixture f;
  f.connect();
  f.peer.reading = false;
  f.finish(5);
  f.peer.known_accepted = 400;
  f.peer.set_marks(1, 1);
  while (f.tracer.stats().send_blocked == 0) f.finish();
  f.finish(1000);
  f.peer.reading = true;
  f.peer.serve();
  const std::uint64_t had = f.peer.last_seq();
  f.peer.known_accepted = had;
  f.peer.known_settled = 1;
  f.peer.drop_connection();
  f.peer.segments.clear();
  REQUIRE(on_idle_until(f, [&] { return f.tracer.stats().waiting == 0; }));
  f.peer.serve();
  // Some went out again before WELCOME was there to say so, as replay; nothing is missing.
  CHECK(f.tracer.stats().accepted == had);
  std::uint64_t expected = had + 1;
  for (const Received& got : f.peer.segments) {
    if (got.seq <= had) CHECK(got.replay);
    if (got.seq > had) CHECK(got.seq == expected++);
  }
  CHECK(expected == f.tracer.stats().created + 1);
}

TEST_CASE("settled space is used again, for ever") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 256 * 1024; });
  f.peer.auto_settle = true;
  for (int i = 0; i < 20'000; ++i) {
    f.finish();
    if (i % 50 == 0) f.peer.serve();
  }
  f.peer.serve();
  f.tracer.on_idle();
  f.peer.serve();
  CHECK(f.peer.segments.size() == 20'000);
  check_rising(f.peer);
  CHECK(f.tracer.stats().dropped.total() == 0);
}

TEST_CASE("above three quarters, what is accepted is forgotten") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 256 * 1024; });
  for (int i = 0; i < 5'000; ++i) {
    f.finish();
    if (i % 50 != 0) continue;
    f.peer.serve();
    f.peer.set_marks(f.peer.last_seq(), 0);
  }
  f.peer.serve();
  CHECK(f.tracer.stats().dropped.total() == 0);
  CHECK(f.tracer.stats().replay_evicted > 0);
  f.peer.restart(2);
  f.peer.segments.clear();
  REQUIRE(on_idle_until(f, [&] { return f.peer.last_seq() == 5'000; }));
  CHECK(f.peer.hello(1).oldest_seq() == f.tracer.stats().replay_evicted + 1);
  CHECK(f.peer.segments[0].seq == f.tracer.stats().replay_evicted + 1);
  check_rising(f.peer);
}

TEST_CASE("a full buffer drops the newest, counts it, and tells the sidecar") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 256 * 1024; });
  f.peer.reading = false;
  f.finish(3'000);
  const Stats s = f.tracer.stats();
  CHECK(s.dropped.buffer_full > 0);
  CHECK(s.created == 3'000);
  f.peer.reading = true;
  f.peer.auto_settle = true;
  REQUIRE(on_idle_until(f, [&] { return f.tracer.stats().waiting == 0 && f.peer.lost == s.dropped.buffer_full; }));
  check_rising(f.peer);
  CHECK(f.peer.segments.size() == 3'000 - s.dropped.buffer_full);
  REQUIRE(on_idle_until(f, [&] { return f.peer.stats_frames >= 1; }));
}

TEST_CASE("a full segment after another wraps around the ring without a scratch") {
  Fixture f([](TracerOptions& o) {
    o.buffer_bytes = 256 * 1024;
    o.value_limit = ipc::kMaxValue;
  });
  f.peer.auto_settle = true;
  const std::string big(30'000, 'b');
  for (unsigned i = 1; i < 200; ++i) {
    {
      Span span = f.tracer.entry("big");
      span.tag("n", i);
      for (unsigned k = 0; k < i % 6; ++k) span.tag("big", std::string_view(big).substr(0, 3'000 + 977 * (i % 27)));
    }
    f.peer.serve();
    f.tracer.on_idle();
    REQUIRE(f.peer.segments.size() == i);
    CHECK(f.peer.segments.back().tag(0, "n") == std::to_string(i));
    f.peer.segments.back().bytes.reset();
  }
  CHECK(f.tracer.stats().dropped.total() == 0);
}

TEST_CASE("a sidecar without a page is heard by its ACKs") {
  Fixture f;
  f.peer.with_page = false;
  f.connect();
  CHECK(f.tracer.stats().accepted == 0);
  flatbuffers::FlatBufferBuilder b;
  b.FinishSizePrefixed(fbs::CreateAck(b, 1, 1));
  std::vector<unsigned char> frame(sizeof(ipc::FrameHeader) + b.GetSize());
  ipc::FrameHeader header{};
  header.magic = ipc::kMagic;
  header.header_words = ipc::kHeaderWords;
  header.type = static_cast<std::uint8_t>(ipc::FrameType::ack);
  header.payload_size = b.GetSize();
  std::memcpy(frame.data(), &header, sizeof header);
  std::memcpy(frame.data() + sizeof header, b.GetBufferPointer(), b.GetSize());
  f.peer.send_bytes(frame.data(), frame.size());
  f.tracer.on_idle();
  CHECK(f.tracer.stats().settled == 1);
  frame[36] ^= 0xFF;  // where its root is
  f.peer.send_bytes(frame.data(), frame.size());
  f.peer.send_bytes("garbage", 7);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().bad_frames == 2);
}

TEST_CASE("a page that is not sealed is not mapped") {
  Fixture f;
  f.peer.sealed = false;
  f.connect();
  f.peer.set_marks(1, 1);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().accepted == 0);
}

TEST_CASE("REJECT is kept to: retry later, or hardly ever") {
  for (const bool permanent : {false, true}) {
    CAPTURE(permanent);
    Fixture f;
    f.peer.welcoming = false;
    f.finish();
    f.peer.serve();
    f.peer.send_reject(permanent ? ipc::RejectCode::not_allowed : ipc::RejectCode::busy, 60'000, permanent);
    f.peer.drop_connection();
    for (int i = 0; i < 200; ++i) f.finish();
    f.tracer.on_idle();
    f.peer.serve();
    CHECK(f.peer.connections == 1);
    CHECK(f.tracer.stats().rejected ==
          static_cast<std::uint32_t>(permanent ? ipc::RejectCode::not_allowed : ipc::RejectCode::busy));
    CHECK(f.tracer.fd() == -1);
    CHECK(f.tracer.stats().waiting == f.tracer.stats().created);
  }
}

TEST_CASE("a REJECT behind a reset connection is still read") {
  Fixture f;
  f.peer.welcoming = false;
  f.finish();
  f.peer.serve();
  f.finish();  // stays unread: the close becomes a reset
  f.peer.send_reject(ipc::RejectCode::shutting_down, 60'000, false);
  f.peer.drop_connection();
  f.finish();
  CHECK(f.tracer.stats().rejected == static_cast<std::uint32_t>(ipc::RejectCode::shutting_down));
}

TEST_CASE("DRAIN: what is not settled is kept, and goes to the successor") {
  Fixture f;
  f.connect();
  f.finish(3);
  f.peer.serve();
  f.peer.set_marks(4, 2);
  f.peer.send_drain(0, 20);
  f.tracer.on_idle();
  f.finish(2);  // not sent any more
  f.peer.serve();
  CHECK(f.peer.last_seq() == 4);
  f.peer.restart(2);
  f.peer.segments.clear();
  REQUIRE(on_idle_until(f, [&] { return f.peer.last_seq() == 6; }));
  CHECK(f.peer.segments[0].seq == 3);
  check_rising(f.peer);
}

TEST_CASE("REHELLO is answered on the same connection, with the same identity") {
  Fixture f;
  f.connect();
  f.peer.sidecar_epoch = 9;
  f.peer.send_rehello();
  f.tracer.on_idle();
  f.peer.serve();
  REQUIRE(f.peer.hellos.size() == 2);
  CHECK(f.peer.connections == 1);
  CHECK(f.peer.hello(1).uuid()->low() == f.peer.hello(0).uuid()->low());
  CHECK(f.peer.hello(1).process_epoch() == f.peer.hello(0).process_epoch());
  f.tracer.on_idle();
  f.finish();
  f.peer.serve();
  CHECK(f.peer.last_seq() == 2);
  f.peer.set_marks(2, 2);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().settled == 2);
}

TEST_CASE("PROBE is answered") {
  Fixture f;
  f.connect();
  f.peer.send_probe(4711);
  f.finish();  // the page says that a frame waits
  f.peer.serve();
  REQUIRE(f.peer.probe_replies.size() == 1);
  CHECK(f.peer.probe_replies[0] == 4711);
}

TEST_CASE("without a sidecar all is kept until there is one") {
  Fixture f;
  f.peer.stop();
  f.finish(10);
  CHECK(f.tracer.stats().waiting == 10);
  CHECK(f.tracer.fd() == -1);
  f.peer.listen();
  CHECK(f.tracer.fd() >= 0);  // asks without regard to the back-off
  f.peer.serve();
  CHECK(f.peer.segments.size() == 10);
}

TEST_CASE("a path that is too long is never connected to a shorter one") {
  Fixture f([](TracerOptions& o) { o.socket += std::string(200, 'x'); });
  f.finish();
  CHECK(f.tracer.fd() == -1);
  CHECK(f.tracer.stats().waiting == 1);
}

TEST_CASE("a descriptor closed under it is forgotten, and what took its number is left alone") {
  Fixture f;
  f.connect();
  const int fd = f.tracer.fd();
  REQUIRE(fd >= 64);
  close(fd);
  char name[] = "/tmp/shim-file-XXXXXX";
  const int file = mkstemp(name);
  REQUIRE(dup2(file, fd) == fd);
  f.finish(3);
  f.tracer.on_idle();
  struct stat info;
  REQUIRE(fstat(fd, &info) == 0);  // it was not closed either
  CHECK(info.st_size == 0);
  REQUIRE(on_idle_until(f, [&] { return f.peer.last_seq() == 4; }));
  CHECK(f.peer.connections == 2);
  close(fd);
  close(file);
  unlink(name);
}

TEST_CASE("surplus descriptors are closed") {
  Fixture f;
  f.connect();
  const auto count = [] {
    int n = 0;
    for (int fd = 0; fd < 2048; ++fd) n += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return n;
  };
  const int before = count();
  for (int i = 0; i < 5; ++i) {
    f.peer.send_rehello();
    f.tracer.on_idle();
    f.peer.serve();
    f.tracer.on_idle();
  }
  CHECK(count() == before);
}

TEST_CASE("REHELLO of another sidecar: what is not settled goes to it on the same connection") {
  Fixture f;
  f.connect();
  f.finish(5);  // 2..6
  f.peer.serve();
  f.peer.set_marks(5, 2);
  f.tracer.on_idle();
  f.peer.segments.clear();
  f.peer.sidecar_epoch = 9;
  f.peer.known = false;
  f.peer.set_marks(0, 0);
  f.peer.send_rehello();
  f.tracer.on_idle();
  f.peer.serve();
  CHECK(f.peer.connections == 1);
  REQUIRE(f.peer.segments.size() == 4);
  CHECK(f.peer.segments[0].seq == 3);
  CHECK(f.peer.segments[0].replay);
  check_rising(f.peer);
}

TEST_CASE("REHELLO after DRAIN: the connection is used again") {
  Fixture f;
  f.connect();
  f.peer.send_drain(0, 60'000);
  f.tracer.on_idle();
  f.finish();
  f.peer.serve();
  CHECK(f.peer.last_seq() == 0);
  f.peer.send_rehello();
  f.tracer.on_idle();
  f.peer.serve();
  CHECK(f.peer.last_seq() == 2);
}

TEST_CASE("a HELLO that the socket has no room for is said before anything else") {
  Fixture f;
  f.connect();
  f.peer.reading = false;
  f.peer.sidecar_epoch = 9;
  const std::string big(200, 'b');
  while (f.tracer.stats().send_blocked < 2) f.tracer.entry(big);  // no room even for a small frame
  f.peer.send_rehello();
  f.tracer.on_idle();
  f.peer.reading = true;
  f.peer.serve();
  CHECK(f.peer.hellos.size() == 1);
  f.peer.segments.clear();
  f.tracer.on_idle();
  f.peer.serve();
  REQUIRE(f.peer.hellos.size() == 2);
  REQUIRE(f.peer.segments.size() == f.tracer.stats().created);  // all of it again, since it is another sidecar
  check_rising(f.peer);
}

TEST_CASE("a broken connection full of PROBEs is read to its end, on a small stack") {
  Fixture f;
  f.connect();
  for (int i = 0; i < 200; ++i) f.peer.send_probe(4711);
  f.peer.send_reject(ipc::RejectCode::busy, 60'000, false);
  f.peer.drop_connection();
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 64 * 1024) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* fixture) -> void* {
                static_cast<Fixture*>(fixture)->tracer.on_idle();
                return nullptr;
              },
              &f) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
  CHECK(f.tracer.stats().rejected == static_cast<std::uint32_t>(ipc::RejectCode::busy));
}

TEST_CASE("a sidecar that gives no page after one that did is heard all the same") {
  Fixture f;
  f.connect();
  f.peer.set_flags(0);
  CHECK_FALSE(f.tracer.enabled());
  f.peer.restart(2);
  f.peer.with_page = false;
  REQUIRE(on_idle_until(f, [&] { return f.tracer.enabled(); }));
  f.finish();
  f.peer.serve();
  CHECK(f.peer.last_seq() == 2);
}

TEST_CASE("a record that the socket does not take is dropped as too large, and its number goes to the next") {
  Fixture f;
  f.connect();
  const int small = 4096;  // the kernel doubles it
  REQUIRE(setsockopt(f.tracer.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  const std::string big(2'000, 'b');
  f.finish();
  for (int i = 0; i < 3; ++i) {
    Span span = f.tracer.entry("large");
    for (int k = 0; k < 10; ++k) span.tag("big", big);
  }
  f.finish(3);
  f.peer.serve();
  f.finish(3);
  f.peer.serve();
  CHECK(f.tracer.stats().dropped.too_large == 3);
  CHECK(f.tracer.stats().waiting == 0);
  CHECK(f.peer.connections == 1);
  CHECK(f.peer.segments.size() == 7);
  CHECK(f.peer.last_seq() == 8);
  check_rising(f.peer);
  f.peer.set_marks(8, 8);
  f.tracer.on_idle();
  CHECK(f.tracer.stats().settled == 8);
}

TEST_CASE("a path with a NUL in it is no path") {
  Fixture f([](TracerOptions& o) { o.socket += std::string("\0x", 2); });
  f.finish();
  CHECK(f.tracer.fd() == -1);
}

TEST_CASE("the longest deadline there is does not overflow") {
  Fixture f;
  CHECK(f.tracer.flush(std::chrono::milliseconds::max()));
  CHECK(f.tracer.flush(std::chrono::milliseconds::min()));
}

TEST_SUITE_END();
