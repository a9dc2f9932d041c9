// A warmed-up shim allocates nothing. malloc and its kin are replaced in this program
// by ones that count; the peer reads with plain recv(2).

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sidecar/shim.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace {
unsigned long allocations = 0;  // this program has one thread
}

// Every operator new ends in malloc, and the shim itself calls realloc.
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
extern "C" void* realloc(void* old, std::size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
extern "C" void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
#else
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
namespace {
void on_malloc(const volatile void*, std::size_t) { ++allocations; }
void on_free(const volatile void*) {}
const int hooks = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}  // namespace
#endif

namespace {

void one_segment(sidecar::Tracer tracer) {
  sidecar::Span entry = tracer.entry("GET:/orders");
  entry.tag("http.method", "GET").tag("number", 7).layer(sidecar::SpanLayer::http);
  entry.log({{"event", "x"}, {"message", "something longer than any small string buffer holds"}});
  sidecar::Span exit = tracer.exit("call", "stock:8080");
  exit.tag("db.statement", "select something that is rather longer than a short string from somewhere");
  std::size_t bytes = 0;
  exit.inject([&bytes](std::string_view, std::string_view value) { bytes += value.size(); });
  sidecar::AsyncSpan async = tracer.start_local("async");
  async.child_exit("call", "x").tag("a", "b");
  const sidecar::Snapshot snapshot = tracer.capture();
  sidecar::Span other = tracer.local("other", snapshot);
}

}  // namespace

TEST_CASE("a warmed-up shim allocates nothing") {
  char directory[] = "/tmp/shim-test-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/s";
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener, 1) == 0);
  sidecar::TracerOptions options;
  options.service = "svc";
  options.socket = path;
  options.exit_flush = std::chrono::milliseconds(0);
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  REQUIRE(tracer.fd() >= 0);
  const int connection = accept(listener, nullptr, nullptr);

  static char buffer[256 * 1024];
  const auto drain = [&] {
    while (recv(connection, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
    }
  };
  for (int i = 0; i < 20; ++i) one_segment(tracer), drain();
  std::string proof(100, 'x');  // the counter counts
  CHECK(allocations > 0);
  const unsigned long before = allocations;
  for (int i = 0; i < 1000; ++i) one_segment(tracer), drain();
  CHECK(allocations == before);
  CHECK(tracer.stats().created == 3 * 1020);
  close(connection);
  close(listener);
  unlink(path.c_str());
  rmdir(directory);
}
