// plugin_host SERVICE PLUGIN_V1 PLUGIN_V2: loads shared objects that trace, uses and unloads them, several times over,
// while a thread that used them lives on. Ends with 5 when one of them stays loaded, and dies when anything of it runs
// afterwards.

#include <dlfcn.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

namespace {

using Work = void (*)(const char*, unsigned long, unsigned long);

struct Plugin {
  explicit Plugin(const char* path) : path_(path), handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      std::printf("%s\n", dlerror());
      std::exit(3);
    }
    work = reinterpret_cast<Work>(dlsym(handle_, "plugin_work"));
  }
  void unload() {
    dlclose(handle_);
    if (dlopen(path_, RTLD_NOW | RTLD_NOLOAD) != nullptr) std::exit(5);
  }
  Work work = nullptr;

 private:
  const char* path_;
  void* handle_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const char* const service = argv[1];
  std::mutex mutex;
  std::condition_variable changed;
  int phase = 0;
  const auto reach = [&](int next) {
    const std::lock_guard<std::mutex> lock(mutex);
    phase = next;
    changed.notify_all();
  };
  const auto await = [&](int wanted) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return phase >= wanted; });
  };

  Plugin one(argv[2]);
  one.work(service, 1, 5);
  std::thread user([&] {
    one.work(service, 6, 5);
    reach(1);
    await(2);  // what it has of the plugin's is gone by now
  });
  await(1);
  one.unload();
  Plugin again(argv[2]);
  again.work(service, 11, 5);
  Plugin other(argv[3]);
  other.work(service, 16, 5);
  again.work(service, 21, 5);
  again.unload();
  other.work(service, 26, 5);
  other.unload();
  Plugin last(argv[3]);  // stays until the end of the program
  last.work(service, 31, 5);
  reach(2);
  user.join();
  std::printf("done\n");
  return 6;
}
