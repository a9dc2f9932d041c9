#pragma once

// The service manager, in what the daemon sees of it: sockets that are open before it, descriptors that outlive it.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon.h"
#include "manager_socket.h"

namespace sidecar::test {

// Opens the sockets and keeps them, starts the daemon with them, and hears what it says.
class Manager {
 public:
  explicit Manager(Daemon& daemon)
      : daemon_(daemon),
        ingest_(open_socket(daemon.socket(), SOCK_SEQPACKET)),
        control_(open_socket(daemon.control(), SOCK_STREAM)),
        notify_(notify_path()) {}

  // What it runs the daemon by: `first` and `second` become its descriptors 3 and 4.
  // What it was asked to store follows.
  std::vector<std::string> launcher(std::string names = "ingest:control") {
    std::string moves = "exec 3<&" + std::to_string(ingest_.get()) + " 4<&" + std::to_string(control_.get());
    notify_.hear_all();
    given_.clear();
    int number = 5;
    for (const auto& [name, fd] : notify_.store()) {
      given_.emplace_back(fcntl(fd.get(), F_DUPFD, 50));
      moves += " " + std::to_string(number++) + "<&" + std::to_string(given_.back().get());
      names += ":" + name;
    }
    return {"/bin/bash", "-c",
            moves + "; LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(number - 3) + " LISTEN_FDNAMES=" + names +
                " exec \"$0\" \"$@\""};
  }
  // As systemd does when the service is stopped and not started again.
  void empty_store() {
    notify_.hear_all();
    notify_.store().clear();
    given_.clear();
  }
  std::size_t stored() {
    heard_ += notify_.hear_all();
    return notify_.store().size();
  }
  std::vector<std::string> environment() const { return {"NOTIFY_SOCKET=" + notify_path(), "WATCHDOG_USEC=300000"}; }
  void start() {
    daemon_.start(launcher(), environment());
    given_.clear();
  }

  // Whether it says so within the limit; that and what it said before is forgotten.
  bool hears(const std::string& what, std::chrono::milliseconds limit = kLimit) {
    return wait_until(
        [&] {
          heard_ += notify_.hear_all();
          const std::size_t at = heard_.find(what);
          if (at != std::string::npos) heard_.erase(0, at + what.size());
          return at != std::string::npos;
        },
        limit);
  }
  void forget() {
    notify_.hear_all();
    heard_.clear();
  }

 private:
  static ScopedFd open_socket(const std::string& path, int type) {
    ScopedFd made(socket(AF_UNIX, type, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(made.get(), 64) == 0);
    // High, and not close-on-exec: the launcher finds it there.
    return ScopedFd(fcntl(made.get(), F_DUPFD, 50));
  }
  std::string notify_path() const { return daemon_.directory().path() + "/notify"; }

  Daemon& daemon_;
  ScopedFd ingest_;
  ScopedFd control_;
  ManagerSocket notify_;
  std::vector<ScopedFd> given_;
  std::string heard_;
};

}  // namespace sidecar::test
