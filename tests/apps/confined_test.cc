// Programs with other rights, or another view of the host, than the sidecar's.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "apps.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

constexpr unsigned kUser = 4321;

// `secure` started by a user without rights; `mode` of the program file, which root owns. Null when it cannot run.
nlohmann::json run_as_user(const Host& host, const TemporaryDirectory& files, unsigned mode,
                           const std::string& socket) {
  const std::string copy = files.path() + "/secure-" + std::to_string(mode);
  std::filesystem::copy_file(program("secure"), copy, std::filesystem::copy_options::overwrite_existing);
  chmod(copy.c_str(), mode);
  std::vector<std::string> argv{"/usr/bin/setpriv",
                                "--reuid=" + std::to_string(kUser),
                                "--regid=" + std::to_string(kUser),
                                "--clear-groups",
                                copy,
                                "secure"};
  if (!socket.empty()) argv.push_back(socket);
  std::string output;
  run(argv, &output, {host.environment()});
  INFO(output);
  return last_account(output);
}

void check_contained(const std::string& kind) {
  Host host;
  const TemporaryDirectory root;
  if (chown(root.path().c_str(), kUser, kUser) != 0) return skipped(kind + ": needs root");
  // the sanitizer that looks for leaks wants a /proc of the process's own
  Attended app({program("contained"), kind, kind, host.daemon.directory().path(), root.path()},
               {"ASAN_OPTIONS=detect_leaks=0"});
  const std::string line = app.line();
  if (line.rfind("SKIPPED: ", 0) == 0) return skipped(kind + ": " + line.substr(9));
  const nlohmann::json account = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  CAPTURE(line);
  REQUIRE(account.is_object());
  CHECK(account["flushed"] == true);
  CHECK(account["dropped"] == 0);
  CHECK(wait_until([&] { return all_arrived_once(host.collector, kind, 5); }));
  check_all_delivered(host.daemon, 5);
  const auto instances = host.daemon.instances(kind);
  REQUIRE(instances.size() == 1);
  REQUIRE(instances[0]["sessions"].size() == 1);
  const nlohmann::json& session = instances[0]["sessions"][0];
  const bool container = kind == "container";
  // the sidecar knows it by the host's numbers, whatever it has inside
  CHECK((account["pid"] == 1) == container);
  CHECK((session["pid"] == app.process().pid()) == !container);
  CHECK(session["pid"] != 1);
  CHECK(session["uid"] == (container ? kUser : geteuid()));
  CHECK(app.end() == 0);
  CHECK(wait_until([&] { return host.daemon.instances(kind)[0]["registration"] == "ended"; }));
}

}  // namespace

TEST_SUITE("apps/confined") {
  TEST_CASE("a set-uid program does not take the socket from its user's environment") {
    if (geteuid() != 0) return skipped("set-uid: needs root");
    Host host;
    const TemporaryDirectory files;
    const nlohmann::json secure = run_as_user(host, files, 04755, "");
    REQUIRE(secure.is_object());
    if (secure["secure"] == 0) return skipped("set-uid: has no effect on this file system");
    CHECK(secure["created"] == 3);
    CHECK(secure["accepted"] == 0);
    CHECK(arrivals(host.collector, "secure").empty());
    // its own word counts, and so does the environment in a program without more rights
    CHECK(run_as_user(host, files, 04755, host.daemon.socket())["accepted"] == 3);
    const nlohmann::json plain = run_as_user(host, files, 0755, "");
    CHECK(plain["secure"] == 0);
    CHECK(plain["accepted"] == 3);
    check_all_delivered(host.daemon, 6);
  }

  TEST_CASE("a program in a chroot reaches the sidecar by the directory that is mounted there") {
    check_contained("chroot");
  }

  TEST_CASE("a program in a container of a user's own reaches it too, and is known by the host's pid and uid") {
    check_contained("container");
  }
}
