#include "handover/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/scoped_fd.h"
#include "handover/identity_table.h"
#include "scratch_directory.h"

using namespace sidecar;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Fixture {
  const ScratchDirectory scratch;
  const ScopedFd directory{open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const std::string path = scratch.at(kSnapshotName);
};

}  // namespace

TEST_SUITE("handover/snapshot") {
  TEST_CASE("it is read as it was written, by nobody else, and replaced whole") {
    Fixture f;
    CHECK(read_snapshot(f.directory.get()).error().code == Errc::not_found);
    REQUIRE(write_snapshot(f.directory.get(), Bytes{1, 2, 3}));
    CHECK(*read_snapshot(f.directory.get()) == Bytes{1, 2, 3});
    struct stat found {};
    REQUIRE(stat(f.path.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
    REQUIRE(write_snapshot(f.directory.get(), Bytes{4}));
    CHECK(*read_snapshot(f.directory.get()) == Bytes{4});
    CHECK_FALSE(fs::exists(f.path + ".new"));
    CHECK(remove_snapshot(f.directory.get()));
    CHECK(read_snapshot(f.directory.get()).error().code == Errc::not_found);
    CHECK(remove_snapshot(f.directory.get()));
  }

  TEST_CASE("what a dead predecessor left half written is replaced") {
    Fixture f;
    std::ofstream(f.path + ".new") << "half";
    REQUIRE(write_snapshot(f.directory.get(), Bytes{1}));
    CHECK(*read_snapshot(f.directory.get()) == Bytes{1});
  }

  TEST_CASE("a write that fails leaves what was there") {
    Fixture f;
    REQUIRE(write_snapshot(f.directory.get(), Bytes{1}));
    fs::create_directory(f.path + ".new");
    const auto written = write_snapshot(f.directory.get(), Bytes{2});
    REQUIRE_FALSE(written);
    CHECK(written.error().message.find("state directory") != std::string::npos);
    CHECK(*read_snapshot(f.directory.get()) == Bytes{1});
  }

  TEST_CASE("what is not a regular file is refused and not waited for") {
    Fixture f;
    SUBCASE("a link") { fs::create_symlink("/etc/hostname", f.path); }
    SUBCASE("a FIFO") { REQUIRE(mkfifo(f.path.c_str(), 0600) == 0); }
    SUBCASE("a directory") { fs::create_directory(f.path); }
    CHECK(read_snapshot(f.directory.get()).error().code == Errc::invalid_argument);
  }

  TEST_CASE("a file that others may have written is refused") {
    Fixture f;
    REQUIRE(write_snapshot(f.directory.get(), Bytes{1}));
    SUBCASE("its group may") { REQUIRE(chmod(f.path.c_str(), 0620) == 0); }
    SUBCASE("everybody may") { REQUIRE(chmod(f.path.c_str(), 0602) == 0); }
    SUBCASE("it is somebody else's") {
      if (geteuid() != 0) return;  // only root can give it away
      REQUIRE(chown(f.path.c_str(), 65534, 65534) == 0);
    }
    const auto read = read_snapshot(f.directory.get());
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::invalid_argument);
    CHECK(read.error().message.find("not ours alone") != std::string::npos);
  }

  TEST_CASE("one that cannot be removed is said to be there") {
    Fixture f;
    fs::create_directory(f.path);
    CHECK_FALSE(remove_snapshot(f.directory.get()));
  }

  TEST_CASE("a file longer than a table may be is refused before it is read") {
    Fixture f;
    std::ofstream(f.path) << "x";
    fs::resize_file(f.path, kMaxTableBytes + 1);
    CHECK(read_snapshot(f.directory.get()).error().code == Errc::limit_exceeded);
    fs::resize_file(f.path, kMaxTableBytes);
    CHECK(read_snapshot(f.directory.get())->size() == kMaxTableBytes);
  }
}
