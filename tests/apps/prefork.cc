// prefork SERVICE REQUESTS: a server that forks its workers and replaces those that end, as web servers do, and its own
// client: it asks REQUESTS requests over TCP, one after the other, each a span of the parent (n from 100001) and one of
// the worker that served it (n from 1). A worker ends after kPerWorker requests. Prints the pids of all workers.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "work.h"

namespace {

constexpr unsigned kWorkers = 3;
constexpr unsigned kPerWorker = 10;

struct Answer {
  unsigned long request;
  unsigned long last;  // of this worker, which ends
};

int listen_somewhere(sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, size) != 0 || listen(fd, 16) != 0 || getsockname(fd, generic, &size) != 0) std::exit(3);
  return fd;
}

int serve(sidecar::Tracer tracer, sidecar::Span& of_parent, int listener) {
  of_parent.tag("stolen", "by a child");  // a null operation here
  of_parent.end();
  for (unsigned served = 0; served < kPerWorker; ++served) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return 0;  // the server closes
    unsigned long request = 0;
    if (read(connection, &request, sizeof request) != sizeof request) return 1;
    sidecar_apps::finish(tracer, request, 1);
    const Answer answer{request, served + 1 == kPerWorker};
    if (write(connection, &answer, sizeof answer) != sizeof answer) return 1;
    close(connection);
  }
  return 0;
}

pid_t fork_worker(sidecar::Tracer tracer, sidecar::Span& of_parent, int listener) {
  const pid_t worker = fork();
  if (worker == 0) std::exit(serve(tracer, of_parent, listener));
  std::fprintf(stdout, "worker %d\n", static_cast<int>(worker));
  std::fflush(stdout);
  return worker;
}

Answer ask(sidecar::Tracer tracer, const sockaddr_in& address, unsigned long request) {
  sidecar_apps::finish(tracer, 100000 + request, 1);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Answer answer{};
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      write(fd, &request, sizeof request) != sizeof request || read(fd, &answer, sizeof answer) != sizeof answer) {
    answer.request = 0;
  }
  close(fd);
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const unsigned long requests = std::strtoul(argv[2], nullptr, 10);
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1]);
  sidecar::AsyncSpan unrelated = tracer.start_local("of the parent");
  sidecar_apps::finish(tracer, 100000, 1);
  tracer.flush(std::chrono::seconds(10));
  sockaddr_in address;
  const int listener = listen_somewhere(address);
  sidecar::Span open = tracer.entry("GET:/open-at-the-fork");
  open.tag("n", static_cast<std::int64_t>(200000));
  unsigned alive = 0;
  for (; alive < kWorkers; ++alive) fork_worker(tracer, open, listener);
  open.end();
  unrelated.end();
  unsigned failed = 0;
  for (unsigned long request = 1; request <= requests; ++request) {
    const Answer answer = ask(tracer, address, request);
    if (answer.request != request) ++failed;
    if (answer.last == 0) continue;
    int status = 0;
    if (waitpid(-1, &status, 0) < 0 || status != 0) ++failed;
    fork_worker(tracer, open, listener);
  }
  int status = 0;
  shutdown(listener, SHUT_RDWR);  // for all who wait there
  while (waitpid(-1, &status, 0) > 0) {
    if (status != 0) ++failed;
  }
  std::printf("failed %u\n", failed);
  return failed == 0 ? 0 : 1;
}
