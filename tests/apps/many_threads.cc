// many_threads SERVICE: 10 waves of 200 threads that are alive together, and 20,000 short ones; each finishes one
// segment. Prints the memory it had after the first tenth and at the end, in KiB.

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "work.h"

namespace {

long resident_kib() {
  long size = 0;
  long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &size, &resident) != 2) std::exit(3);
  std::fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// All threads of a wave have a span open at the same moment.
void wave(sidecar::Tracer tracer, unsigned long first, unsigned count) {
  std::mutex mutex;
  std::condition_variable changed;
  unsigned there = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      sidecar::Span span = tracer.entry("GET:/wave");
      span.tag("n", static_cast<std::int64_t>(first + i));
      std::unique_lock<std::mutex> lock(mutex);
      ++there;
      changed.notify_all();
      changed.wait(lock, [&] { return there == count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void short_ones(sidecar::Tracer tracer, unsigned long first, unsigned count) {
  constexpr unsigned kAtATime = 8;
  for (unsigned done = 0; done < count; done += kAtATime) {
    std::thread threads[kAtATime];
    for (unsigned i = 0; i < kAtATime; ++i) {
      threads[i] = std::thread([&, i] { sidecar_apps::finish(tracer, first + done + i, 1); });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  constexpr auto kFlush = std::chrono::seconds(20);
  constexpr unsigned kWave = 200;
  constexpr unsigned kWaves = 10;
  constexpr unsigned kPart = 2000;
  constexpr unsigned kParts = 10;
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1]);
  unsigned long next = 1;
  bool flushed = true;
  for (unsigned i = 0; i < kWaves; ++i, next += kWave) {
    wave(tracer, next, kWave);
    flushed = tracer.flush(kFlush) && flushed;
  }
  long early = 0;
  for (unsigned i = 0; i < kParts; ++i, next += kPart) {
    short_ones(tracer, next, kPart);
    flushed = tracer.flush(kFlush) && flushed;
    if (i == 0) early = resident_kib();
  }
  sidecar_apps::print_account(tracer, "\"early\":" + std::to_string(early) +
                                          ",\"late\":" + std::to_string(resident_kib()) +
                                          ",\"flushed\":" + (flushed ? "true" : "false") + ",");
  return 0;
}
