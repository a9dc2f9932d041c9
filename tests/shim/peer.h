#pragma once

// A sidecar as far as a shim can tell: a SEQPACKET server in a directory of its own that
// decodes what arrives with flatc's code, hands out a real sealed page, and can
// refuse to read, close, restart as another, reject, drain. Single-threaded: it acts
// when serve() is called, so a test decides the order of things.

#include <control_generated.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <segment_generated.h>
#include <sidecar_ipc/protocol.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sidecar_test {

namespace ipc = sidecar::ipc_protocol;
namespace fbs = sidecar::fbs;

// Bytes at a multiple of 8, as verified records have to be.
class Aligned {
 public:
  Aligned(const unsigned char* data, std::size_t size) : words_((size + 7) / 8), size_(size) {
    std::memcpy(words_.data(), data, size);
  }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(words_.data()); }
  std::size_t size() const { return size_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

// As the daemon does: identifier, limits, structure.
inline const fbs::Segment* verified_segment(const std::uint8_t* data, std::size_t size) {
  if (size < 40 || size > ipc::kMaxSegment) return nullptr;
  if (!flatbuffers::BufferHasIdentifier(data, fbs::SegmentIdentifier(), true)) return nullptr;
  flatbuffers::Verifier verifier(data, size, ipc::kVerifyDepth,
                                 static_cast<flatbuffers::uoffset_t>(size / ipc::kVerifyBytesPerTable), true);
  return fbs::VerifySizePrefixedSegmentBuffer(verifier) ? fbs::GetSizePrefixedSegment(data) : nullptr;
}

template <class Table>
const Table* verified_control(const std::uint8_t* data, std::size_t size) {
  flatbuffers::Verifier verifier(data, size, ipc::kVerifyDepth, ipc::kVerifyMaxTables, true);
  return verifier.VerifySizePrefixedBuffer<Table>(nullptr) ? flatbuffers::GetSizePrefixedRoot<Table>(data) : nullptr;
}

inline std::string text(const flatbuffers::String* string) { return string == nullptr ? std::string() : string->str(); }

inline std::string text(const fbs::Id& id) {
  return std::to_string(id.p1()) + "." + std::to_string(id.p2()) + "." + std::to_string(id.p3());
}

struct Received {
  std::uint64_t seq;
  bool replay;
  int connection;
  std::shared_ptr<Aligned> bytes;
  const fbs::Segment& segment() const { return *fbs::GetSizePrefixedSegment(bytes->data()); }
  const fbs::Span& span(unsigned i) const { return *segment().spans()->Get(i); }
  std::string operation(unsigned i = 0) const { return text(span(i).operation()); }
  std::string tag(unsigned i, const char* key) const {
    if (span(i).tags() != nullptr) {
      for (const auto* tag : *span(i).tags()) {
        if (text(tag->key()) == key) return text(tag->value());
      }
    }
    return "";
  }
};

class Peer {
 public:
  Peer() {
    char name[] = "/tmp/shim-test-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    directory_ = name;
    listen();
  }
  ~Peer() {
    stop();
    close_page();
    unlink(path().c_str());
    rmdir(directory_.c_str());
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::string path() const { return directory_ + "/s"; }

  void listen() {
    unlink(path().c_str());
    listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().data(), path().size());
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 128) == 0);
  }
  // As when the daemon dies: the listener and all that was not read are gone.
  void stop() {
    if (listener_ >= 0) close(listener_);
    listener_ = -1;
    drop_connection();
  }
  void drop_connection() {
    for (const int fd : open_) close(fd);
    open_.clear();
    connection_ = -1;
  }
  void restart(std::uint64_t epoch) {
    stop();
    close_page();
    sidecar_epoch = epoch;
    known = false;
    listen();
  }

  // Takes connections and reads what is there.
  void serve() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        open_.push_back(fd);
        connection_ = fd;
        ++connections;
        continue;
      }
      if (reading) read_all();
      break;
    }
    if (auto_settle) set_marks(last_seq(), last_seq());
  }
  // Until `done`, or for 20 s.
  template <class Done>
  bool serve_until(Done done) {
    for (int i = 0; i < 10'000; ++i) {
      serve();
      if (done()) return true;
      pollfd item{connection_ >= 0 && reading ? connection_ : listener_, POLLIN, 0};
      poll(&item, 1, 2);
    }
    return false;
  }

  std::uint64_t last_seq() const { return segments.empty() ? 0 : segments.back().seq; }
  std::set<std::uint64_t> seqs() const {
    std::set<std::uint64_t> all;
    for (const auto& received : segments) all.insert(received.seq);
    return all;
  }

  // --- The page ---
  void store(std::size_t at, std::uint64_t value) {
    if (page_ == nullptr) make_page();
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(page_ + at), value, __ATOMIC_RELEASE);
  }
  void set_marks(std::uint64_t accepted, std::uint64_t settled) {
    store(ipc::page::kAccepted, accepted);
    store(ipc::page::kSettled, settled);
  }
  void set_sampling(std::int64_t n) { store(ipc::page::kSampling, static_cast<std::uint64_t>(n)); }
  void set_flags(std::uint64_t flags) { store(ipc::page::kFlags, flags); }
  void beat() { store(ipc::page::kBeat, ++beats_); }

  // --- Frames to the shim ---
  void send_welcome() {
    flatbuffers::FlatBufferBuilder b;
    const auto instance = b.CreateString(instance_name);
    const auto service = service_name.empty() ? 0 : b.CreateString(service_name);
    const auto prefix = peer_prefix.empty() ? 0 : b.CreateString(peer_prefix);
    const bool old = known;
    known = true;
    send(ipc::FrameType::welcome, b,
         fbs::CreateWelcome(b, 0, 0xFFFF, sidecar_epoch, old, known_accepted, known_settled, ipc::kMaxFrame, instance,
                            0, -1, true, 0, 0, 0, service, prefix),
         page_fd());
  }
  void send_config(const std::vector<std::string>& suffixes, const std::vector<std::string>& patterns) {
    flatbuffers::FlatBufferBuilder b;
    const auto of_suffixes = b.CreateVectorOfStrings(suffixes);
    const auto of_patterns = b.CreateVectorOfStrings(patterns);
    send(ipc::FrameType::config, b, fbs::CreateConfig(b, 1, of_suffixes, of_patterns));
  }
  void send_reject(ipc::RejectCode code, std::uint32_t retry_after_ms, bool permanent) {
    flatbuffers::FlatBufferBuilder b;
    const auto message = b.CreateString("no");
    send(ipc::FrameType::reject, b,
         fbs::CreateReject(b, static_cast<std::uint32_t>(code), message, retry_after_ms, permanent));
  }
  void send_drain(std::uint32_t within, std::uint32_t after) {
    flatbuffers::FlatBufferBuilder b;
    send(ipc::FrameType::drain, b, fbs::CreateDrain(b, within, after, 0));
  }
  void send_rehello() {
    flatbuffers::FlatBufferBuilder b;
    send(ipc::FrameType::rehello, b, fbs::CreateRehello(b, sidecar_epoch));
  }
  void send_probe(std::uint64_t token) {
    flatbuffers::FlatBufferBuilder b;
    send(ipc::FrameType::probe, b, fbs::CreateProbe(b, token));
  }
  void send_bytes(const void* data, std::size_t size) {
    REQUIRE(::send(connection_, data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
    store(ipc::page::kFramesWaiting, ++frames_written_);
  }

  // --- How it behaves ---
  bool reading = true;
  bool welcoming = true;
  bool auto_settle = false;
  bool known = false;
  std::uint64_t known_accepted = 0;
  std::uint64_t known_settled = 0;
  std::uint64_t sidecar_epoch = 1;
  std::string instance_name = "told@host";
  std::string service_name;
  std::string peer_prefix;

  // --- What came ---
  std::vector<Received> segments;
  std::vector<std::shared_ptr<Aligned>> hellos;
  const fbs::Hello& hello(std::size_t i) const {
    return *flatbuffers::GetSizePrefixedRoot<fbs::Hello>(hellos[i]->data());
  }
  std::vector<std::shared_ptr<Aligned>> byes;
  const fbs::Bye& bye() const { return *flatbuffers::GetSizePrefixedRoot<fbs::Bye>(byes.back()->data()); }
  std::vector<std::uint64_t> probe_replies;
  std::uint64_t lost = 0;  // sum of lost_before
  int stats_frames = 0;
  int frames = 0;
  int connections = 0;
  int ended = 0;  // connections that the shim closed

 private:
  void read_all() {
    buffer_.resize(ipc::kMaxFrame + 1);
    for (std::size_t i = 0; i < open_.size();) {
      connection_ = open_[i];
      if (read_connection()) {
        ++i;
      } else {
        close(open_[i]);
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        ++ended;
      }
    }
    connection_ = open_.empty() ? -1 : open_.back();
  }
  // False at its end.
  bool read_connection() {
    for (;;) {
      const ssize_t got = recv(connection_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return true;
      if (got <= 0) return false;
      on_frame(buffer_.data(), static_cast<std::size_t>(got));
    }
  }

  void on_frame(const unsigned char* data, std::size_t size) {
    ipc::FrameHeader header;
    REQUIRE(size >= sizeof header);
    REQUIRE(size <= ipc::kMaxFrame);
    std::memcpy(&header, data, sizeof header);
    REQUIRE(header.magic == ipc::kMagic);
    REQUIRE(header.header_words == ipc::kHeaderWords);
    REQUIRE(header.payload_size == size - sizeof header);
    lost += header.lost_before;
    ++frames;
    const auto payload = std::make_shared<Aligned>(data + sizeof header, size - sizeof header);
    switch (static_cast<ipc::FrameType>(header.type)) {
      case ipc::FrameType::hello:
        REQUIRE(size <= ipc::kMaxControlFrame);
        REQUIRE(verified_control<fbs::Hello>(payload->data(), payload->size()) != nullptr);
        hellos.push_back(payload);
        if (welcoming) send_welcome();
        break;
      case ipc::FrameType::segments:
        split(header, *payload);
        break;
      case ipc::FrameType::bye:
        REQUIRE(verified_control<fbs::Bye>(payload->data(), payload->size()) != nullptr);
        byes.push_back(payload);
        break;
      case ipc::FrameType::stats:
        REQUIRE(verified_control<fbs::ClientStats>(payload->data(), payload->size()) != nullptr);
        ++stats_frames;
        break;
      case ipc::FrameType::probe_reply:
        REQUIRE(verified_control<fbs::ProbeReply>(payload->data(), payload->size()) != nullptr);
        probe_replies.push_back(flatbuffers::GetSizePrefixedRoot<fbs::ProbeReply>(payload->data())->token());
        break;
      default:
        FAIL("a frame of type " << int{header.type});
    }
  }

  void split(const ipc::FrameHeader& header, const Aligned& payload) {
    REQUIRE(header.count >= 1);
    REQUIRE(header.count <= ipc::kMaxRecordsPerFrame);
    REQUIRE(header.schema == ipc::kSchemaSegment);
    std::size_t at = 0;
    for (unsigned i = 0; i < header.count; ++i) {
      std::uint32_t length = 0;
      REQUIRE(at + 4 <= payload.size());
      std::memcpy(&length, payload.data() + at, 4);
      const std::size_t size = std::size_t{length} + 4;
      REQUIRE(at + size <= payload.size());
      const auto bytes = std::make_shared<Aligned>(payload.data() + at, size);
      REQUIRE(verified_segment(bytes->data(), bytes->size()) != nullptr);
      segments.push_back({header.first_seq + i, (header.flags & ipc::kFlagReplay) != 0, connections, bytes});
      at += (size + 7) / 8 * 8;
    }
    REQUIRE(at == payload.size());
  }

  template <class Table>
  void send(ipc::FrameType type, flatbuffers::FlatBufferBuilder& b, flatbuffers::Offset<Table> root, int fd = -1) {
    b.FinishSizePrefixed(root);
    ipc::FrameHeader header{};
    header.magic = ipc::kMagic;
    header.header_words = ipc::kHeaderWords;
    header.type = static_cast<std::uint8_t>(type);
    header.payload_size = b.GetSize();
    iovec parts[2] = {{&header, sizeof header}, {b.GetBufferPointer(), b.GetSize()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* item = CMSG_FIRSTHDR(&message);
      item->cmsg_level = SOL_SOCKET;
      item->cmsg_type = SCM_RIGHTS;
      item->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
    }
    if (sendmsg(connection_, &message, MSG_NOSIGNAL) < 0) return;  // a client that has gone already
    store(ipc::page::kFramesWaiting, ++frames_written_);
  }

  void make_page() {
    page_file_ = memfd_create("test-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(ftruncate(page_file_, ipc::kPageSize) == 0);
    page_ =
        static_cast<unsigned char*>(mmap(nullptr, ipc::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, page_file_, 0));
    const std::uint64_t head = std::uint64_t{ipc::page::kUsedWords} << 32 | ipc::kPageMagic;
    store(ipc::page::kMagic, head);
    store(ipc::page::kSidecarEpoch, sidecar_epoch);
    set_sampling(-1);
    set_flags(ipc::kPageEnabled);
    if (sealed) REQUIRE(fcntl(page_file_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
  }
  int page_fd() {
    if (!with_page) return -1;
    if (page_ == nullptr) make_page();
    return page_file_;
  }
  void close_page() {
    if (page_ != nullptr) munmap(page_, ipc::kPageSize);
    if (page_file_ >= 0) close(page_file_);
    page_ = nullptr;
    page_file_ = -1;
    frames_written_ = 0;
  }

 public:
  bool with_page = true;
  bool sealed = true;

 private:
  std::string directory_;
  int listener_ = -1;
  std::vector<int> open_;
  int connection_ = -1;  // the one that frames go to: the last, or the one being read
  std::vector<unsigned char> buffer_;
  int page_file_ = -1;
  unsigned char* page_ = nullptr;
  std::uint64_t frames_written_ = 0;
  std::uint64_t beats_ = 0;
};

}  // namespace sidecar_test
