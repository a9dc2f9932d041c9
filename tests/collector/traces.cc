#include "traces.h"

#include <algorithm>

namespace sidecar {
namespace {

using nlohmann::json;
using wire::v3::SegmentObject;
using wire::v3::SegmentReference;
using wire::v3::SpanObject;

std::string type_name(int type) {
  constexpr const char* kNames[] = {"Entry", "Exit", "Local"};
  return type >= 0 && type < 3 ? kNames[type] : std::to_string(type);
}

std::string layer_name(int layer) {
  constexpr const char* kNames[] = {"Unknown", "Database", "RPCFramework", "Http", "MQ", "Cache", "FAAS"};
  return layer >= 0 && layer < 7 ? kNames[layer] : std::to_string(layer);
}

template <class Pairs>
json pairs_to_json(const Pairs& pairs) {
  json list = json::array();
  for (const auto& pair : pairs) list.push_back({{"key", pair.key()}, {"value", pair.value()}});
  return list;
}

json ref_to_json(const SegmentReference& ref) {
  return {{"type", ref.ref_type() == 0 ? "CrossProcess" : "CrossThread"},
          {"trace_id", ref.trace_id()},
          {"segment_id", ref.parent_trace_segment_id()},
          {"span_id", ref.parent_span_id()},
          {"service", ref.parent_service()},
          {"instance", ref.parent_service_instance()},
          {"endpoint", ref.parent_endpoint()},
          {"address", ref.network_address_used_at_peer()}};
}

json span_to_json(const SpanObject& span) {
  json logs = json::array();
  for (const auto& log : span.logs()) logs.push_back({{"time", log.time()}, {"data", pairs_to_json(log.data())}});
  json refs = json::array();
  for (const auto& ref : span.refs()) refs.push_back(ref_to_json(ref));
  return {{"span_id", span.span_id()},
          {"parent_span_id", span.parent_span_id()},
          {"operation", span.operation_name()},
          {"type", type_name(span.span_type())},
          {"layer", layer_name(span.span_layer())},
          {"component", span.component_id()},
          {"peer", span.peer()},
          {"start_ms", span.start_time()},
          {"end_ms", span.end_time()},
          {"error", span.is_error()},
          {"skip_analysis", span.skip_analysis()},
          {"tags", pairs_to_json(span.tags())},
          {"logs", std::move(logs)},
          {"refs", std::move(refs)}};
}

json segment_to_json(const SegmentObject& segment) {
  json spans = json::array();
  for (const auto& span : segment.spans()) spans.push_back(span_to_json(span));
  return {{"segment_id", segment.trace_segment_id()},
          {"service", segment.service()},
          {"instance", segment.service_instance()},
          {"size_limited", segment.is_size_limited()},
          {"spans", std::move(spans)}};
}

// Trace ids in order of first arrival, with their segments.
std::vector<std::pair<std::string, std::vector<const SegmentObject*>>> by_trace(
    const std::vector<SegmentObject>& segments) {
  std::vector<std::pair<std::string, std::vector<const SegmentObject*>>> traces;
  std::map<std::string, std::size_t> index;
  for (const SegmentObject& segment : segments) {
    const auto [at, fresh] = index.try_emplace(segment.trace_id(), traces.size());
    if (fresh) traces.emplace_back(segment.trace_id(), std::vector<const SegmentObject*>());
    traces[at->second].second.push_back(&segment);
  }
  return traces;
}

// Text for a terminal: one line, nothing that moves the cursor.
std::string plain(const std::string& text, std::size_t max = 100) {
  std::string out;
  for (const char c : text.substr(0, max)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text.size() > max ? out + "..." : out;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// The spans of one trace as a tree. What refers to nothing here, or only in a circle, is a root.
class Tree {
 public:
  explicit Tree(const std::vector<const SegmentObject*>& segments) {
    std::set<std::string> seen;
    for (const SegmentObject* segment : segments) {
      if (!seen.insert(segment->trace_segment_id()).second) {
        ++duplicates_;
        continue;
      }
      for (const SpanObject& span : segment->spans()) nodes_.push_back({segment, &span});
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      index_.emplace(std::pair(nodes_[i].segment->trace_segment_id(), nodes_[i].span->span_id()), i);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const std::size_t parent = parent_of(nodes_[i]);
      if (parent < nodes_.size() && parent != i)
        children_[parent].push_back(i);
      else
        roots_.push_back(i);
    }
  }

  std::string text() {
    std::string out;
    const auto by_start = [&](std::size_t a, std::size_t b) {
      return std::pair(nodes_[a].span->start_time(), a) < std::pair(nodes_[b].span->start_time(), b);
    };
    std::sort(roots_.begin(), roots_.end(), by_start);
    for (auto& [parent, list] : children_) std::sort(list.begin(), list.end(), by_start);
    for (const std::size_t root : roots_) print(root, 1, out);
    for (std::size_t i = 0; i < nodes_.size(); ++i) print(i, 1, out);
    return out;
  }
  std::size_t spans() const { return nodes_.size(); }
  std::size_t duplicates() const { return duplicates_; }

 private:
  struct Node {
    const SegmentObject* segment;
    const SpanObject* span;
    bool printed = false;
  };

  std::size_t parent_of(const Node& node) const {
    const auto look_up = [&](const std::string& segment, int span) {
      const auto found = index_.find({segment, span});
      return found == index_.end() ? nodes_.size() : found->second;
    };
    if (node.span->parent_span_id() >= 0) return look_up(node.segment->trace_segment_id(), node.span->parent_span_id());
    for (const SegmentReference& ref : node.span->refs()) {
      const std::size_t found = look_up(ref.parent_trace_segment_id(), ref.parent_span_id());
      if (found < nodes_.size()) return found;
    }
    return nodes_.size();
  }

  void print(std::size_t index, std::size_t depth, std::string& out) {
    // an explicit stack: depth is the sender's choice
    std::vector<std::pair<std::size_t, std::size_t>> stack{{index, depth}};
    while (!stack.empty()) {
      const auto [at, level] = stack.back();
      stack.pop_back();
      if (std::exchange(nodes_[at].printed, true)) continue;
      line(nodes_[at], level, out);
      const auto found = children_.find(at);
      if (found == children_.end()) continue;
      for (auto child = found->second.rbegin(); child != found->second.rend(); ++child)
        stack.emplace_back(*child, level + 1);
    }
  }

  static void line(const Node& node, std::size_t depth, std::string& out) {
    const SpanObject& span = *node.span;
    out.append(2 * std::min<std::size_t>(depth, 40), ' ');
    out += plain(node.segment->service()) + "  " + type_name(span.span_type()) + " " + plain(span.operation_name());
    if (!span.peer().empty()) out += " -> " + plain(span.peer());
    out += "  " + std::to_string(span.end_time() - span.start_time()) + " ms";
    if (span.span_layer() != 0) out += "  [" + layer_name(span.span_layer()) + "]";
    for (const auto& tag : span.tags()) out += "  " + plain(tag.key(), 40) + "=" + plain(tag.value(), 60);
    if (span.is_error()) out += "  ERROR";
    for (const auto& log : span.logs())
      for (const auto& data : log.data())
        if (data.key() == "message") out += "  \"" + plain(data.value(), 60) + "\"";
    out += "\n";
  }

  std::vector<Node> nodes_;
  std::map<std::pair<std::string, int>, std::size_t> index_;
  std::map<std::size_t, std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
  std::size_t duplicates_ = 0;
};

}  // namespace

json traces_to_json(const std::vector<SegmentObject>& segments) {
  json traces = json::array();
  for (const auto& [id, members] : by_trace(segments)) {
    json list = json::array();
    for (const SegmentObject* segment : members) list.push_back(segment_to_json(*segment));
    traces.push_back({{"trace_id", id}, {"segments", std::move(list)}});
  }
  return {{"traces", std::move(traces)}};
}

std::string traces_to_text(const std::vector<SegmentObject>& segments, std::size_t max_traces) {
  const auto traces = by_trace(segments);
  std::string out;
  const std::size_t first = traces.size() > max_traces ? traces.size() - max_traces : 0;
  if (first > 0) out += std::to_string(first) + " older traces are not shown\n";
  for (std::size_t i = first; i < traces.size(); ++i) {
    Tree tree(traces[i].second);
    out += "trace " + plain(traces[i].first) + "  " + counted(tree.spans(), "span") + ", " +
           counted(traces[i].second.size() - tree.duplicates(), "segment");
    if (tree.duplicates() > 0) out += ", " + std::to_string(tree.duplicates()) + " came again";
    out += "\n" + tree.text();
  }
  return out;
}

}  // namespace sidecar
