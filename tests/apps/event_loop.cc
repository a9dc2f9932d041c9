// event_loop SERVICE idle|silent: a program with a loop of its own, around epoll. `burst N` on its input finishes N
// segments and is answered with the account; at the end of its input it flushes. With `idle` it does what README asks
// of a loop: watches fd(), and calls on_idle() while something waits. With `silent` it does not.

#include <sys/epoll.h>
#include <unistd.h>

#include <cstring>

#include "work.h"

namespace {

void watch(int epoll, int fd, int& watched) {
  if (fd == watched) return;
  if (watched >= 0) epoll_ctl(epoll, EPOLL_CTL_DEL, watched, nullptr);  // closed by now, perhaps
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  watched = fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? fd : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const bool idle = std::strcmp(argv[2], "idle") == 0;
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1]);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  int input = -1;
  int connection = -1;
  watch(epoll, 0, input);
  std::printf("ready\n");
  std::fflush(stdout);
  unsigned long next = 1;
  for (;;) {
    constexpr int kWhileWaitingMs = 5;
    if (idle) watch(epoll, tracer.fd(), connection);
    epoll_event event{};
    const int ready = epoll_wait(epoll, &event, 1, idle && tracer.stats().waiting > 0 ? kWhileWaitingMs : -1);
    if (ready == 1 && event.data.fd == 0) {
      char line[64] = {};
      const ssize_t got = read(0, line, sizeof line - 1);
      if (got <= 0) break;
      unsigned long count = 0;
      if (std::sscanf(line, "burst %lu", &count) == 1) {
        sidecar_apps::finish(tracer, next, count);
        next += count;
      }
      sidecar_apps::print_account(tracer);
    } else if (idle) {
      tracer.on_idle();
    }
  }
  return tracer.flush(std::chrono::seconds(10)) ? 0 : 1;
}
