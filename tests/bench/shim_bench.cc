// What a finished segment costs the application: five spans, two of them with a peer,
// three tags each, from the first span's beginning to the last one's end. The peer is
// another process, either asleep in epoll, so that a send has to wake it, or awake as the
// sidecar is while traffic flows: it reads all there is each 10 ms and waits on nothing.
//
// Beside it a bare send(2) of the same bytes to the same peer, in the same run: turns
// alternate, and each figure is the median over all operations. A pause between operations
// makes a rate of about 5,000/s. Prints nanoseconds and ratios.

#include <control_generated.h>
#include <sidecar/shim.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <csignal>

namespace {

namespace ipc = sidecar::ipc_protocol;

constexpr int kRounds = 10;
constexpr int kOperations = 1000;  // of each kind in a round
constexpr std::int64_t kPauseNs = 200'000;

std::int64_t now_ns() { return sidecar::detail::monotonic_ns(); }

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// --- The peer, in a child process ----------------------------------------------

unsigned char* page = nullptr;
int page_fd = -1;

void store(std::size_t at, std::uint64_t value) {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(page + at), value, __ATOMIC_RELEASE);
}

void make_page() {
  page_fd = memfd_create("bench-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (page_fd < 0 || ftruncate(page_fd, ipc::kPageSize) != 0) die("memfd");
  page = static_cast<unsigned char*>(mmap(nullptr, ipc::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0));
  store(ipc::page::kMagic, std::uint64_t{ipc::page::kUsedWords} << 32 | ipc::kPageMagic);
  store(ipc::page::kSampling, ~std::uint64_t{0});
  store(ipc::page::kFlags, ipc::kPageEnabled);
  if (fcntl(page_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) die("seals");
}

// CONFIG with the suffixes that SkyWalking's agents ignore, and some patterns.
void ignore_the_usual(int connection) {
  flatbuffers::FlatBufferBuilder b;
  const auto suffixes = b.CreateVectorOfStrings(
      {".jpg", ".jpeg", ".js", ".css", ".png", ".bmp", ".gif", ".ico", ".mp3", ".mp4", ".html", ".svg"});
  const auto patterns = b.CreateVectorOfStrings({"GET:/health/**", "**/metrics/**", "**/ready"});
  b.FinishSizePrefixed(sidecar::fbs::CreateConfig(b, 1, suffixes, patterns));
  ipc::FrameHeader header{};
  header.magic = ipc::kMagic;
  header.header_words = ipc::kHeaderWords;
  header.type = static_cast<std::uint8_t>(ipc::FrameType::config);
  header.payload_size = b.GetSize();
  iovec parts[2] = {{&header, sizeof header}, {b.GetBufferPointer(), b.GetSize()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  sendmsg(connection, &message, MSG_NOSIGNAL);
}

void welcome(int connection) {
  flatbuffers::FlatBufferBuilder b;
  b.FinishSizePrefixed(sidecar::fbs::CreateWelcome(b, 0, 0xFFFF, 1));
  ipc::FrameHeader header{};
  header.magic = ipc::kMagic;
  header.header_words = ipc::kHeaderWords;
  header.type = static_cast<std::uint8_t>(ipc::FrameType::welcome);
  header.payload_size = b.GetSize();
  iovec parts[2] = {{&header, sizeof header}, {b.GetBufferPointer(), b.GetSize()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(item), &page_fd, sizeof page_fd);
  sendmsg(connection, &message, MSG_NOSIGNAL);
  ignore_the_usual(connection);
  store(ipc::page::kFramesWaiting, 2);
}

void read_all(int connection) {
  static unsigned char buffer[ipc::kMaxFrame];
  while (recv(connection, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
    ipc::FrameHeader header;
    std::memcpy(&header, buffer, sizeof header);
    if (header.magic != ipc::kMagic) continue;  // of the bare sender
    if (header.type == static_cast<std::uint8_t>(ipc::FrameType::hello)) welcome(connection);
    if (header.type != static_cast<std::uint8_t>(ipc::FrameType::segments)) continue;
    store(ipc::page::kAccepted, header.first_seq + header.count - 1);
    store(ipc::page::kSettled, header.first_seq + header.count - 1);
  }
}

[[noreturn]] void serve(int listener, bool asleep) {
  make_page();
  const int connections[2] = {accept(listener, nullptr, nullptr), accept(listener, nullptr, nullptr)};
  const int set = epoll_create1(EPOLL_CLOEXEC);
  for (const int connection : connections) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    if (asleep && epoll_ctl(set, EPOLL_CTL_ADD, connection, &event) != 0) die("epoll_ctl");
  }
  for (;;) {
    epoll_event events[2];
    if (asleep) {
      epoll_wait(set, events, 2, -1);
    } else {
      poll(nullptr, 0, 10);
    }
    for (const int connection : connections) read_all(connection);
  }
}

// --- The application --------------------------------------------------------------

void one_segment(sidecar::Tracer tracer) {
  sidecar::Span entry = tracer.entry("GET:/orders/{id}");
  entry.layer(sidecar::SpanLayer::http).component(49);
  entry.tag("url", "http://orders:8080/orders/4711").tag("http.method", "GET").tag("http.status_code", "200");
  {
    sidecar::Span check = tracer.local("check");
    check.tag("user", "someone").tag("role", "customer").tag("cache", "hit");
    sidecar::Span query = tracer.exit("SQLite/SELECT", "sqlite:orders");
    query.layer(sidecar::SpanLayer::database);
    query.tag("db.type", "sqlite")
        .tag("db.instance", "orders")
        .tag("db.statement", "SELECT * FROM orders WHERE id = ?");
  }
  sidecar::Span call = tracer.exit("GET:/stock", "stock:8080");
  call.layer(sidecar::SpanLayer::http).component(2);
  call.tag("url", "http://stock:8080/stock").tag("http.method", "GET").tag("http.status_code", "200");
  call.end();
  sidecar::Span render = tracer.local("render");
  render.tag("template", "order").tag("size", "4711").tag("language", "en");
}

std::int64_t median(std::vector<std::int64_t>& values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void pause() {
  const std::int64_t end = now_ns() + kPauseNs;
  while (now_ns() < end) {
  }
}

void measure(bool asleep, const std::vector<unsigned char>& bytes) {
  char directory[] = "/tmp/shim-bench-XXXXXX";
  if (mkdtemp(directory) == nullptr) die("mkdtemp");
  const std::string path = std::string(directory) + "/s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 2) != 0) {
    die("listen");
  }
  const pid_t peer = fork();
  if (peer == 0) serve(listener, asleep);

  const int bare = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connect(bare, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
  sidecar::TracerOptions options;
  options.service = "bench";
  options.socket = path;
  options.exit_flush = std::chrono::milliseconds(0);
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  for (int i = 0; i < 200; ++i) {
    one_segment(tracer);
    pause();
  }
  std::vector<std::int64_t> shim;
  std::vector<std::int64_t> sends;
  shim.reserve(kRounds * kOperations);
  sends.reserve(kRounds * kOperations);
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kOperations; ++i) {
      const std::int64_t start = now_ns();
      one_segment(tracer);
      shim.push_back(now_ns() - start);
      pause();
    }
    for (int i = 0; i < kOperations; ++i) {
      const std::int64_t start = now_ns();
      send(bare, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      sends.push_back(now_ns() - start);
      pause();
    }
  }
  const sidecar::Stats stats = tracer.stats();
  const std::int64_t ours = median(shim);
  const std::int64_t theirs = median(sends);
  std::printf(
      "peer %-6s  segment of 5 spans %6lld ns   bare send(2) of %zu bytes %6lld ns   ratio %.2f   (refused by the "
      "socket: %llu of %llu)\n",
      asleep ? "asleep" : "awake", static_cast<long long>(ours), bytes.size(), static_cast<long long>(theirs),
      static_cast<double>(ours) / static_cast<double>(theirs), static_cast<unsigned long long>(stats.send_blocked),
      static_cast<unsigned long long>(stats.created));
  kill(peer, SIGKILL);
  waitpid(peer, nullptr, 0);
  close(listener);
  close(bare);
  unlink(path.c_str());
  rmdir(directory);
}

// The frame of such a segment, without its magic, so that the peer only reads it.
std::vector<unsigned char> frame_bytes() {
  char directory[] = "/tmp/shim-bench-XXXXXX";
  if (mkdtemp(directory) == nullptr) die("mkdtemp");
  sidecar::TracerOptions options;
  options.service = "bench";
  options.socket = std::string(directory) + "/s";
  options.exit_flush = std::chrono::milliseconds(0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, options.socket.data(), options.socket.size());
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 2) != 0) {
    die("listen");
  }
  one_segment(sidecar::Tracer::open(options));
  const int connection = accept(listener, nullptr, nullptr);
  std::vector<unsigned char> bytes(ipc::kMaxFrame);
  recv(connection, bytes.data(), bytes.size(), 0);  // HELLO
  const ssize_t size = recv(connection, bytes.data(), bytes.size(), 0);
  if (size <= 0) die("recv");
  bytes.resize(static_cast<std::size_t>(size));
  bytes[0] = 0;
  close(connection);
  close(listener);
  unlink(options.socket.c_str());
  rmdir(directory);
  return bytes;
}

// Without a socket: what describing and encoding cost.
void measure_build() {
  sidecar::TracerOptions options;
  options.service = "bench";
  options.socket = "/nonexistent/sw-sidecar.sock";
  options.exit_flush = std::chrono::milliseconds(0);
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  std::vector<std::int64_t> costs;
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t start = now_ns();
    one_segment(tracer);
    costs.push_back(now_ns() - start);
  }
  std::printf("no peer      segment of 5 spans %6lld ns   (built, encoded, kept or dropped)\n",
              static_cast<long long>(median(costs)));
}

}  // namespace

int main() {
  measure_build();
  const std::vector<unsigned char> bytes = frame_bytes();
  measure(true, bytes);
  measure(false, bytes);
  return 0;
}
