// closes_all SERVICE DIRECTORY: closes every descriptor in mid-run, as programs that become daemons do, and opens files
// and sockets of its own under the same numbers. It prints how many bytes others wrote there.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vector>

#include "work.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1]);
  sidecar_apps::finish(tracer, 1, 10);
  if (!tracer.flush(std::chrono::seconds(10))) return 3;
  const std::set<int> before = sidecar_apps::open_descriptors();
  const int connection = tracer.fd();
  for (const int number : before) {
    if (number > 2) close(number);
  }
  // The connection's number becomes a socket that would take our frames, all others files.
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0) return 4;
  if (connection >= 0 && dup2(pair[0], connection) != connection) return 5;
  const std::string path = std::string(argv[2]) + "/foreign";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
  for (const int number : before) {
    if (number > 2 && number != connection && number != file && number != pair[0] && number != pair[1]) {
      dup2(file, number);
    }
  }
  sidecar_apps::finish(tracer, 11, 10);
  const bool flushed = tracer.flush(std::chrono::seconds(10));
  char byte[1];
  const bool socket_clean = recv(pair[1], byte, sizeof byte, MSG_DONTWAIT) < 0 && errno == EAGAIN;
  const long file_bytes = static_cast<long>(lseek(file, 0, SEEK_END));
  const bool foreign_open = fcntl(pair[0], F_GETFD) >= 0 && (connection < 0 || fcntl(connection, F_GETFD) >= 0);
  sidecar_apps::print_account(
      tracer, "\"connection\":" + std::to_string(connection) + ",\"flushed\":" + (flushed ? "true" : "false") +
                  ",\"clean\":" + (socket_clean && file_bytes == 0 && foreign_open ? "true" : "false") + ",");
  return 9;
}
