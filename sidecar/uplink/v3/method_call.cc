#include "uplink/v3/method_call.h"

#include <grpcpp/support/slice.h>

#include <string_view>
#include <utility>

#include "uplink/encoding/utf8.h"
#include "uplink/v3/collection_cut.h"
#include "v3/common.pb.h"

namespace sidecar::v3 {
namespace {

constexpr std::size_t kMaxDetail = 200;

// Commands are not obeyed by this generation of the sidecar, only looked at. The
// size of an answer is bounded by the connection.
bool is_commands(const grpc::ByteBuffer& answer) {
  grpc::Slice slice;
  wire::v3::Commands commands;
  if (answer.Length() == 0) return true;
  return answer.DumpToSingleSlice(&slice).ok() &&
         commands.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

// The server took the call and said more than the connection reads. gRPC reports that with
// a status that a server may send as well, in the same words of a message of ours that was too long for it; only the
// limit that they end with tells (gRPC 1.51, message_size_filter: "Received message larger than max (N vs. LIMIT)").
bool is_answer_too_long(const grpc::Status& status) {
  const std::string& words = status.error_message();
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         words.starts_with("Received message larger than max") &&
         words.ends_with(" " + std::to_string(Link::kMaxAnswer) + ")");
}

// The server's words may hold whatever it was sent: without our token.
std::string detail_of(const grpc::Status& status, const Credentials& credentials) {
  std::string detail(status_name(status.error_code()));
  if (!status.error_message().empty())
    detail += ": " + printable(credentials.scrub(status.error_message()), kMaxDetail);
  return detail;
}

}  // namespace

CollectorV3::MethodCall::MethodCall(CollectorV3& owner, Method method, grpc::ByteBuffer request, Answered answered,
                                    grpc::ByteBuffer plainer)
    : MethodCall(owner, owner.links_.current(), method, std::move(request), std::move(answered), std::move(plainer)) {}

CollectorV3::MethodCall::MethodCall(CollectorV3& owner, std::shared_ptr<Link> link, Method method,
                                    grpc::ByteBuffer request, Answered answered, grpc::ByteBuffer plainer)
    : owner_(owner),
      method_(method),
      request_(std::move(request)),
      plainer_(std::move(plainer)),
      answered_(std::move(answered)),
      link_(std::move(link)),
      first_(link_ == owner.links_.current() ? owner.routes_.first(method) : Route()) {
  if (link_ == nullptr)
    refuse();
  else
    send();
}

void CollectorV3::MethodCall::refuse() {
  timer_ = owner_.loop_.make_timer([this] {
    const Answered answered = std::move(answered_);  // the answer may destroy this
    answered({Verdict::retry, "not connected", false});
  });
  timer_->start(Duration::zero());
}

void CollectorV3::MethodCall::send() {
  grpc::GenericStub& stub = link_->stub();
  const char* const path = path_of(method_, route());
  const CallTerms terms{owner_.options_.deadline, owner_.credentials_.token()};
  timer_ = owner_.loop_.make_timer([this] { owner_.on_unanswered(*link_); });
  timer_->start(owner_.options_.unanswered);
  if (route().stream) {
    stream_ = std::make_unique<StreamRpc>(owner_.completions_, stub, path, cut(request_), terms,
                                          [this](const grpc::Status& status, const grpc::ByteBuffer& answer,
                                                 bool whole) { on_answer(status, answer, whole); });
    return;
  }
  rpc_ = std::make_unique<Rpc>(
      owner_.completions_, stub, path, request_, terms,
      [this](const grpc::Status& status, const grpc::ByteBuffer& answer) { on_answer(status, answer, true); });
}

void CollectorV3::MethodCall::on_answer(const grpc::Status& status, const grpc::ByteBuffer& answer, bool whole) {
  const bool too_long = is_answer_too_long(status);
  Verdict verdict = too_long ? Verdict::delivered : verdict_of(status.error_code(), false);
  std::string detail = detail_of(status, owner_.credentials_);
  if (verdict == Verdict::next_spelling) {
    if (tried_ + 1 < routes_of(method_)) {
      ++tried_;
      return send();
    }
    verdict = Verdict::wrong_server;
  } else if (verdict == Verdict::suspect && plainer_.Valid()) {
    owner_.log_plainer(detail);
    request_.Clear();
    request_.Swap(&plainer_);
    return send();
  } else if (verdict == Verdict::delivered && !whole) {
    // It may have kept some, or none: as if the connection had broken.
    verdict = Verdict::retry;
    detail = "answered before everything was sent";
  } else if (verdict == Verdict::delivered) {
    if (too_long || !is_commands(answer)) ++owner_.status_.undecodable_answers;
    if (owner_.links_.current() == link_) owner_.routes_.learn(method_, route());
    detail.clear();
  }
  timer_.reset();
  const Answered answered = std::move(answered_);
  owner_.account(*link_, method_, verdict, detail);
  const bool content = verdict == Verdict::suspect && blames_content(status.error_code());
  answered({verdict, std::move(detail), content});  // may destroy this
}

}  // namespace sidecar::v3
