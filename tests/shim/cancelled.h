#pragma once

// Work in a thread that is cancelled in the middle of it: work.use() asks for that, sets work.done at its end, and the
// thread must go only then.

#include <doctest/doctest.h>
#include <pthread.h>

namespace sidecar_test {

template <class Work>
void check_goes_afterwards(Work& work) {
  pthread_t thread;
  const auto cancelled = [](void* arg) -> void* {
    static_cast<Work*>(arg)->use();
    pthread_testcancel();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, nullptr, cancelled, &work) == 0);
  void* result = nullptr;
  REQUIRE(pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK(work.done);
}

}  // namespace sidecar_test
