// A program as applications are, for the integration tests: finishes segments as
// told on its command line, talks over stdin and stdout, and counts what it did.
//
//   app SERVICE SEGMENTS [--idle]
//
// Each segment carries a tag `n`, counted from 1, by which a test knows it again
// at the collector: what was created is compared with what arrived, id by id.
// With --idle it then reads commands, one a line: `more N`, `stats`, `header`, `flush MS`,
// `fork N` (a child that finishes N segments), `exit`, and answers each with a line.

#include <sidecar/shim.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

unsigned long finished = 0;

void finish(sidecar::Tracer tracer, unsigned long count) {
  for (unsigned long i = 0; i < count; ++i) {
    sidecar::Span span = tracer.entry("GET:/work");
    char number[32];
    std::snprintf(number, sizeof number, "%lu", ++finished);
    span.tag("n", number);
    sidecar::Span inner = tracer.local("step");
    inner.tag("http.method", "GET");
  }
}

void print_stats(sidecar::Tracer tracer) {
  const sidecar::Stats stats = tracer.stats();
  std::printf(
      "{\"created\":%llu,\"waiting\":%llu,\"sent\":%llu,\"accepted\":%llu,\"settled\":%llu,\"dropped\":%llu,"
      "\"reconnects\":%llu,\"ignored\":%llu}\n",
      static_cast<unsigned long long>(stats.created), static_cast<unsigned long long>(stats.waiting),
      static_cast<unsigned long long>(stats.sent), static_cast<unsigned long long>(stats.accepted),
      static_cast<unsigned long long>(stats.settled), static_cast<unsigned long long>(stats.dropped.total()),
      static_cast<unsigned long long>(stats.reconnects), static_cast<unsigned long long>(stats.ignored));
}

// The sw8 header of a call to db:3306.
void print_header(sidecar::Tracer tracer) {
  sidecar::Span entry = tracer.entry("GET:/call");
  sidecar::Span call = tracer.exit("/db", "db:3306");
  std::string sw8 = "none";
  call.inject([&](std::string_view name, std::string_view value) {
    if (name == "sw8") sw8 = value;
  });
  std::printf("sw8 %s\n", sw8.c_str());
}

void run_child(sidecar::Tracer tracer, unsigned long count) {
  const pid_t child = fork();
  if (child == 0) {
    finish(tracer, count);
    std::exit(0);  // with the exit flush
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  sidecar::TracerOptions options;
  options.service = argv[1];
  options.property("version", "1.4");
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  finish(tracer, std::strtoul(argv[2], nullptr, 10));
  if (argc < 4 || std::string(argv[3]) != "--idle") return 0;

  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("ready\n");
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    unsigned long number = 0;
    if (std::sscanf(line, "more %lu", &number) == 1) {
      finish(tracer, number);
      std::printf("finished %lu\n", finished);
    } else if (std::sscanf(line, "flush %lu", &number) == 1) {
      std::printf("flushed %d\n", tracer.flush(std::chrono::milliseconds(number)) ? 1 : 0);
    } else if (std::sscanf(line, "fork %lu", &number) == 1) {
      run_child(tracer, number);
    } else if (std::strncmp(line, "header", 6) == 0) {
      print_header(tracer);
    } else if (std::strncmp(line, "stats", 5) == 0) {
      tracer.on_idle();
      print_stats(tracer);
    } else if (std::strncmp(line, "exit", 4) == 0) {
      break;
    }
  }
  return 0;
}
