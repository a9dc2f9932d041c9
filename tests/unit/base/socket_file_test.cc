#include "base/socket_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "scratch_directory.h"

using namespace sidecar;
namespace fs = std::filesystem;

namespace {

bool connects(const std::string& path, int type = SOCK_SEQPACKET) {
  const ScopedFd client(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

Result<SocketFile> make(const std::string& path) { return SocketFile::create(path, SOCK_SEQPACKET, 0600, 16); }

// A socket as whoever starts us opens it: blocking, with a mode of its choice.
ScopedFd opened(const std::string& path, int type) {
  ScopedFd fd(socket(AF_UNIX, type, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

Errc refusal(const std::string& path) {
  const auto made = make(path);
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find(path.substr(0, path.find("sw-") + 9)) != std::string::npos);
  return made.error().code;
}

}  // namespace

TEST_SUITE("base/socket_file") {
  TEST_CASE("it serves under its name, with its mode, and leaves none behind") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    {
      auto made = SocketFile::create(path, SOCK_SEQPACKET, 0640, 16);
      REQUIRE(made);
      CHECK(connects(path));
      struct stat found {};
      REQUIRE(lstat(path.c_str(), &found) == 0);
      CHECK((found.st_mode & 07777) == 0640);
      CHECK_FALSE(fs::exists(path + ".new"));
    }
    CHECK_FALSE(fs::exists(path));
  }

  TEST_CASE("a second one on the same path is refused and the first goes on") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    auto first = make(path);
    REQUIRE(first);
    CHECK(refusal(path) == Errc::busy);
    CHECK(connects(path));
  }

  TEST_CASE("a name left by a process that died is replaced") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    const pid_t child = fork();
    if (child == 0) {
      auto made = make(path);
      _exit(made ? 0 : 1);  // without destructors
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    REQUIRE(fs::exists(path));
    CHECK_FALSE(connects(path));
    auto made = make(path);
    REQUIRE(made);
    CHECK(connects(path));
  }

  TEST_CASE("a socket that another program serves is refused, of whatever type, and stays") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    int type = SOCK_SEQPACKET;
    SUBCASE("of our type") {}
    SUBCASE("of another type") { type = SOCK_STREAM; }
    const ScopedFd other(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(other.get(), 4) == 0);
    CHECK(refusal(path) == Errc::busy);
    CHECK(connects(path, type));
  }

  TEST_CASE("what is not a socket is refused and stays as it is") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    SUBCASE("a file") { std::ofstream(path) << "precious"; }
    SUBCASE("a link to a socket") { fs::create_symlink(directory.at("elsewhere"), path); }
    SUBCASE("a directory") { fs::create_directory(path); }
    SUBCASE("a FIFO") { REQUIRE(mkfifo(path.c_str(), 0600) == 0); }
    struct stat before {
    }, after{};
    REQUIRE(lstat(path.c_str(), &before) == 0);
    CHECK(refusal(path) == Errc::invalid_argument);
    REQUIRE(lstat(path.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
  }

  TEST_CASE("a lock that is a link or a FIFO is not followed") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    SUBCASE("a link") { fs::create_symlink(directory.at("victim"), path + ".lock"); }
    SUBCASE("a FIFO") { REQUIRE(mkfifo((path + ".lock").c_str(), 0600) == 0); }
    CHECK_FALSE(make(path));
    CHECK_FALSE(fs::exists(directory.at("victim")));
  }

  TEST_CASE("a name taken over by a successor is not removed") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    {
      auto first = make(path);
      REQUIRE(first);
      fs::remove(path);
      std::ofstream(path) << "a successor's";
    }
    CHECK(fs::exists(path));
  }

  TEST_CASE("a directory that others can write is refused, a sticky one is not") {
    const ScratchDirectory directory;
    fs::permissions(directory.path(), fs::perms(0777));
    CHECK(refusal(directory.at("s.sock")) == Errc::not_allowed);
    fs::permissions(directory.path(), fs::perms(01777));
    CHECK(make(directory.at("s.sock")));
  }

  TEST_CASE("a path that is too long, empty, or in no directory is refused, never cut") {
    const ScratchDirectory directory;
    CHECK(refusal(directory.at(std::string(120, 'a'))) == Errc::invalid_argument);
    CHECK_FALSE(make(""));
    CHECK(refusal(directory.at("none/s.sock")) == Errc::not_found);
    // the longest that fits works whole
    const std::string longest = directory.at(std::string(103 - directory.path().size() - 1, 'a'));
    auto made = make(longest);
    REQUIRE(made);
    CHECK(connects(longest));
  }

  TEST_CASE("moving keeps one owner of the name") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    auto made = make(path);
    REQUIRE(made);
    SocketFile kept = std::move(*made);
    made = fail(Errc::internal, "gone");
    CHECK(connects(path));
    auto other = make(directory.at("other.sock"));
    REQUIRE(other);
    kept = std::move(*other);
    CHECK_FALSE(fs::exists(path));
    CHECK(connects(directory.at("other.sock")));
  }

  TEST_CASE("an adopted socket serves, and its name, mode and listener are left as they were") {
    const ScratchDirectory directory;
    const std::string path = directory.at("s.sock");
    const ScopedFd opener = opened(path, SOCK_SEQPACKET);
    REQUIRE(listen(opener.get(), 4) == 0);
    REQUIRE(chmod(path.c_str(), 0606) == 0);
    {
      auto adopted = SocketFile::adopt(ScopedFd(dup(opener.get())), SOCK_SEQPACKET);
      REQUIRE(adopted);
      CHECK(adopted->adopted());
      CHECK(adopted->path() == path);
      CHECK((fcntl(adopted->fd(), F_GETFL) & O_NONBLOCK) != 0);
      CHECK((fcntl(adopted->fd(), F_GETFD) & FD_CLOEXEC) != 0);
      CHECK(connects(path));
      auto moved = make(directory.at("other.sock"));
      REQUIRE(moved);
      CHECK_FALSE(moved->adopted());
      *moved = std::move(*adopted);
      CHECK(moved->adopted());
    }
    struct stat found {};
    REQUIRE(lstat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0606);
    CHECK(connects(path));
    CHECK_FALSE(fs::exists(path + ".lock"));
  }

  TEST_CASE("what is not the listening socket that is needed is not adopted, and the message says what it is") {
    const ScratchDirectory directory;
    ScopedFd fd;
    std::string why;
    SUBCASE("another type") {
      fd = opened(directory.at("s.sock"), SOCK_STREAM);
      REQUIRE(listen(fd.get(), 4) == 0);
      why = "is SOCK_STREAM, and SOCK_SEQPACKET is needed";
    }
    SUBCASE("it does not listen") {
      fd = opened(directory.at("s.sock"), SOCK_SEQPACKET);
      why = "does not listen";
    }
    SUBCASE("another family") {
      fd.reset(socket(AF_INET, SOCK_STREAM, 0));
      why = "is not a Unix-domain socket";
    }
    SUBCASE("a file") {
      fd.reset(open("/dev/null", O_RDONLY));
      why = "is not a socket";
    }
    SUBCASE("nothing at all") { why = "Bad file descriptor"; }
    const auto adopted = SocketFile::adopt(std::move(fd), SOCK_SEQPACKET);
    REQUIRE_FALSE(adopted);
    CHECK(adopted.error().code == Errc::invalid_argument);
    CHECK(adopted.error().message == why);
  }

  TEST_CASE("an adopted socket in the abstract namespace has a name one can read") {
    const ScopedFd opener(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Without a name the kernel gives it one: five hexadecimal digits.
    REQUIRE(bind(opener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family) == 0);
    REQUIRE(listen(opener.get(), 4) == 0);
    const auto adopted = SocketFile::adopt(ScopedFd(dup(opener.get())), SOCK_STREAM);
    REQUIRE(adopted);
    CHECK(adopted->path().size() == 6);
    CHECK(adopted->path()[0] == '@');
  }
}
