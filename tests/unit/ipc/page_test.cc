#include "ipc/page.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw_client.h"

using namespace sidecar;
namespace layout = ipc_protocol::page;

TEST_SUITE("ipc/page") {
  TEST_CASE("a client reads what is written") {
    auto page = Page::create(0xE);
    REQUIRE(page);
    const client::MappedPage seen(page->client_fd());
    CHECK(seen.word(0) == (std::uint64_t{layout::kUsedWords} << 32 | ipc_protocol::kPageMagic));
    CHECK(seen.word(layout::kSidecarEpoch) == 0xE);
    CHECK(seen.word(layout::kSampling) == ~std::uint64_t{0});
    CHECK(seen.word(layout::kIdsVersion) == 0);
    page->set_beat(Tick{std::chrono::milliseconds(1234)});
    page->set_marks(7, 5);
    page->set_frames_written(3);
    page->set_sampling(9);
    page->set_flags(ipc_protocol::kPageEnabled | ipc_protocol::kPageDraining);
    page->set_upstream(ipc_protocol::UpstreamState::up);
    page->set_slot(4);
    CHECK(seen.word(layout::kBeat) == 1234);
    CHECK(seen.word(layout::kAccepted) == 7);
    CHECK(seen.word(layout::kSettled) == 5);
    CHECK(seen.word(layout::kFramesWaiting) == 3);
    CHECK(seen.word(layout::kSampling) == 9);
    CHECK(seen.word(layout::kFlags) == 3);
    CHECK(seen.word(layout::kUpstream) == 1);
    CHECK(seen.word(layout::kSlot) == 4);
    page->set_slot(-1);
    CHECK(seen.word(layout::kSlot) == 0);
  }

  TEST_CASE("a client can neither write, nor change its size, nor map it writable") {
    auto page = Page::create(1);
    REQUIRE(page);
    const int fd = page->client_fd();
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    struct stat status = {};
    REQUIRE(fstat(fd, &status) == 0);
    CHECK(status.st_size == client::kPageSize);
    CHECK((status.st_mode & 0777) == 0400);
    CHECK(write(fd, "x", 1) == -1);
    CHECK(ftruncate(fd, 0) == -1);
    CHECK(mmap(nullptr, client::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    void* const memory = mmap(nullptr, client::kPageSize, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(memory != MAP_FAILED);
    CHECK(mprotect(memory, client::kPageSize, PROT_READ | PROT_WRITE) == -1);
    munmap(memory, client::kPageSize);
  }

  TEST_CASE("it moves, and the client's descriptor can be let go") {
    auto page = Page::create(1);
    REQUIRE(page);
    const client::MappedPage seen(page->client_fd());
    Page moved = std::move(*page);
    moved.drop_client_fd();
    CHECK(moved.client_fd() == -1);
    moved.set_marks(2, 1);
    CHECK(seen.word(layout::kAccepted) == 2);
  }
}
