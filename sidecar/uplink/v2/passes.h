#pragma once

// The two passes of encoding/passes.h with the fields that only generations with ids have: ids of three numbers, names
// that may be replaced by ids, references that may be left off. The ids found out while measuring are in the plan:
//
//   sizes:  ... [trace ids: how many] [parent instance] [entry instance] [message] ... [id of a name, or 0] [text]
//   ids:    trace ids, then those of foreign parent segments, in the order of writing

#include <algorithm>
#include <vector>

#include "uplink/encoding/fields.h"
#include "uplink/encoding/passes.h"
#include "uplink/v2/foreign_id.h"
#include "uplink/v2/known_ids.h"

namespace sidecar::v2 {

// Of one segment, as a consumer of batches has them. References beyond are not said to belong to a trace.
inline constexpr std::size_t kMaxTraceIds = 512;

inline std::size_t packed_size(const fbs::Id& id) {
  using encoding::varint_size;
  return varint_size(encoding::extended(id.p1())) + varint_size(encoding::extended(id.p2())) +
         varint_size(encoding::extended(id.p3()));
}

class Measure : public encoding::Measure {
 public:
  Measure(const encoding::SegmentRules& rules, encoding::KeyCache& keys, encoding::Plan& plan,
          std::vector<fbs::Id>& ids, KnownIds& known, std::int32_t service_id, std::int32_t instance_id)
      : encoding::Measure(rules, keys, plan),
        ids_(ids),
        known_(known),
        service_id_(service_id),
        instance_id_(instance_id) {}

  void unique_id(unsigned, const fbs::Id& id) { size_ += 4 + packed_size(id); }
  void unique_id(unsigned field, std::string_view foreign) {
    ids_.push_back(number_of(foreign));
    unique_id(field, ids_.back());
  }

  // The segment's own, then those of its references that are others.
  void trace_ids(unsigned field, const fbs::Segment& segment) {
    const std::size_t begin = ids_.size();
    add_trace_id(begin, segment.trace_id(), segment.trace_id_text(), nullptr);
    if (segment.spans() != nullptr)
      for (const fbs::Span* span : *segment.spans())
        if (span->refs() != nullptr)
          for (const fbs::Ref* ref : *span->refs())
            add_trace_id(begin, ref->trace_id(), ref->trace_id_text(), segment.trace_id_text());
    sizes_.push_back(static_cast<std::uint32_t>(ids_.size() - begin));
    for (std::size_t i = begin; i < ids_.size(); ++i) unique_id(field, ids_[i]);
  }

  void endpoint(unsigned id_field, unsigned, std::string_view text) {
    if (text.empty()) return;
    named(id_field, text, operation_name(text),
          [this](std::string_view name) { return known_.endpoint(service_id_, name); });
  }
  void address(unsigned id_field, unsigned, std::string_view text, bool exit) {
    if (text.empty()) return;
    named(id_field, text, peer_name(text, exit), [this, exit](std::string_view name) {
      const std::int32_t id = known_.address(name, exit);
      if (exit && id == 0) ++peers_by_name_;
      return id;
    });
  }

  // `body` gets the ids of the parent's and of the first instance.
  template <class Body>
  void reference(unsigned field, const fbs::Ref& ref, const Body& body) {
    const std::int32_t parent = parent_instance(ref);
    if (parent == 0 ||
        (ref.type() == fbs::RefType::CrossProcess && encoding::view(ref.address()).empty() && ref.address_id() <= 0)) {
      ++changes_.references_left_off;
      sizes_.push_back(encoding::kDropped);
      return;
    }
    // A header of names does not say where the trace began.
    const std::int32_t entry = ref.entry_instance_id() > 0 ? ref.entry_instance_id() : parent;
    sizes_.push_back(static_cast<std::uint32_t>(parent));
    sizes_.push_back(static_cast<std::uint32_t>(entry));
    message(field, [&] { body(parent, entry); });
  }

  std::size_t peers_by_name() const { return peers_by_name_; }

 private:
  fbs::Id number_of(std::string_view foreign) {
    if (const auto id = three_numbers(foreign)) return *id;
    ++changes_.foreign_ids_mapped;
    return mapped(foreign);
  }

  // `first` is the text that is there already, which most references repeat.
  void add_trace_id(std::size_t begin, const fbs::Id* own, const flatbuffers::String* foreign,
                    const flatbuffers::String* first) {
    const std::string_view text = encoding::view(foreign);
    if (text.empty() ? own == nullptr : text == encoding::view(first)) return;
    const std::uint64_t mapped_before = changes_.foreign_ids_mapped;
    const fbs::Id id = text.empty() ? *own : number_of(text);
    const auto same = [&](const fbs::Id& other) {
      return other.p1() == id.p1() && other.p2() == id.p2() && other.p3() == id.p3();
    };
    const bool there = std::any_of(ids_.begin() + static_cast<std::ptrdiff_t>(begin), ids_.end(), same);
    if (!there && ids_.size() - begin < kMaxTraceIds) return ids_.push_back(id);
    if (!there) ++changes_.references_left_off;
    changes_.foreign_ids_mapped = mapped_before;
  }

  // Names come first: the ids of a header may be those of a storage that is gone.
  std::int32_t parent_instance(const fbs::Ref& ref) {
    if (ref.type() == fbs::RefType::CrossThread) return instance_id_;
    const std::string_view service = encoding::view(ref.parent_service());
    const std::string_view instance = encoding::view(ref.parent_instance());
    if (!service.empty() && !instance.empty())
      if (const std::int32_t id = known_.instance(service, instance); id > 0) return id;
    return std::max(ref.parent_instance_id(), 0);
  }

  template <class Find>
  void named(unsigned id_field, std::string_view text, const Text& as, const Find& find) {
    Text name = as;
    if (name.source == encoding::kRepaired) {
      changed_ += encoding::repaired(text);
      name.source = encoding::kChanged;
    }
    const bool changed = name.source == encoding::kChanged;
    const std::string_view sent = changed ? std::string_view(changed_).substr(changed_.size() - name.bytes) : text;
    const std::int32_t id = sent.empty() ? 0 : find(sent);
    sizes_.push_back(static_cast<std::uint32_t>(id));
    if (id == 0) return add_text(name);
    if (changed) changed_.resize(changed_.size() - name.bytes);
    number(id_field, static_cast<std::uint32_t>(id));
  }

  std::vector<fbs::Id>& ids_;
  KnownIds& known_;
  const std::int32_t service_id_, instance_id_;
  std::size_t peers_by_name_ = 0;
};

class Write : public encoding::Write {
 public:
  Write(const encoding::Plan& plan, const std::vector<fbs::Id>& ids, std::uint8_t* out)
      : encoding::Write(plan, out), ids_(ids.data()) {}

  void unique_id(unsigned field, const fbs::Id& id) {
    const std::size_t size = packed_size(id);
    *out_++ = encoding::key(field, encoding::kLengthDelimited);
    *out_++ = static_cast<std::uint8_t>(size + 2);
    *out_++ = encoding::key(1, encoding::kLengthDelimited);
    *out_++ = static_cast<std::uint8_t>(size);
    varint(encoding::extended(id.p1()));
    varint(encoding::extended(id.p2()));
    varint(encoding::extended(id.p3()));
  }
  void unique_id(unsigned field, std::string_view) { unique_id(field, *ids_++); }

  void trace_ids(unsigned field, const fbs::Segment&) {
    for (std::uint32_t left = *sizes_++; left > 0; --left) unique_id(field, *ids_++);
  }

  void endpoint(unsigned id_field, unsigned field, std::string_view text) {
    if (text.empty()) return;
    if (const std::uint32_t id = *sizes_++; id != 0) return number(id_field, id);
    this->text(field, text);
  }
  void address(unsigned id_field, unsigned field, std::string_view text, bool) { endpoint(id_field, field, text); }

  template <class Body>
  void reference(unsigned field, const fbs::Ref&, const Body& body) {
    if (*sizes_ == encoding::kDropped) {
      ++sizes_;
      return;
    }
    const auto parent = static_cast<std::int32_t>(*sizes_++), entry = static_cast<std::int32_t>(*sizes_++);
    message(field, [&] { body(parent, entry); });
  }

 private:
  const fbs::Id* ids_;
};

}  // namespace sidecar::v2
