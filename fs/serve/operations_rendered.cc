// SPDX-License-Identifier: Apache-2.0
//
// The operations on rendered files. Each is a file of its own to whoever sees it, and to the policy and the
// audit as many secrets as are in it: what is asked about one secret is asked here about each, and the first
// refusal is the answer.
#include <algorithm>
#include <cerrno>

#include "serve/operations.h"

namespace coffer {
namespace {

// Where a listing stands after the KEYs of all four levels: the fifth list of names.
constexpr std::uint64_t kRenderedList = 5;

constexpr std::string_view kReasonOtherSecret = "another secret of the rendered file was refused";

template <class Check>
Answer<std::vector<Pass>> pass_all(const std::vector<Target>& targets, const Check& check) {
    std::vector<Pass> out;
    for (const Target& target : targets) {
        auto pass = check(target);
        if (!pass) return tl::make_unexpected(pass.error());
        out.push_back(*std::move(pass));
    }
    return out;
}

// What the rules of all secrets say together: an owner that they do not agree on is the caller, and others
// may read or map the text only if that goes for each secret in it.
Decision terms_of(const std::vector<Pass>& passes, mode_t mode) {
    Decision out = passes.front().decision;
    out.presentation.mode = mode;
    for (const Pass& pass : passes) {
        const Decision& one = pass.decision;
        out.inherit = out.inherit && one.inherit;
        out.cached = out.cached && one.cached;
        if (one.presentation.owner != out.presentation.owner) out.presentation.owner.reset();
        if (one.presentation.group != out.presentation.group) out.presentation.group.reset();
    }
    return out;
}

std::shared_ptr<OpenFile> open_file(const Rendering& rendering, std::shared_ptr<const LargeCopy> text,
                                    const std::vector<Pass>& passes) {
    auto file = std::make_shared<OpenFile>();
    for (const RenderedSecret& one : rendering.secrets)
        file->rendered.push_back(
            {one.place, one.shown.secret, one.shown.version, one.shown.not_after_ms, one.shown.scope});
    file->mode = rendering.mode;
    file->large = std::move(text);
    file->version = rendering.fingerprint();
    file->time_ms = rendering.time_ms;
    file->opener = passes.back().visitor.attested;  // of the last look, should a closer one have found anew
    file->opened = passes.front().at;
    file->policy_generation = std::ranges::min_element(passes, {}, [](const Pass& pass) {
                                  return pass.visitor.policy_generation;
                              })->visitor.policy_generation;
    return file;
}

}  // namespace

std::vector<Target> Operations::targets_of(const Rendering& rendering) const {
    std::vector<Target> out;
    for (const RenderedSecret& one : rendering.secrets)
        out.push_back({secret_path(one.place), one.shown.version, one.shown.scope});
    return out;
}

std::vector<Target> Operations::targets_of(const OpenFile& file) const {
    std::vector<Target> out;
    for (const OpenSecret& one : file.rendered)
        out.push_back({secret_path(one.place), one.version, one.scope});
    return out;
}

Answer<std::vector<Pass>> Operations::check_sights(const Requester& who, const std::vector<Target>& targets) {
    return pass_all(targets, [&](const Target& target) { return parts_.gate.check_sight(who, target.path); });
}

// --- names and attributes ---

Answer<FoundEntry> Operations::lookup_rendered(const Requester& who, const Place& place, Worker& worker) {
    const auto rendering = parts_.rendered_files.find(place);
    if (!rendering)
        return find_nothing(who, Place{place.org, place.project, place.domain}, secret_path(place).key);
    auto passes = pass_all(targets_of(*rendering),
                           [&](const Target& target) { return parts_.gate.check_lookup(who, target); });
    if (!passes) return tl::make_unexpected(passes.error());
    auto size = rendered_size(*rendering, worker);
    if (!size) return tl::make_unexpected(size.error());
    FoundEntry entry;
    entry.node = parts_.nodes.hand_out(place);
    entry.attributes = describe_file(who, entry.node, rendering->time_ms, *size,
                                     terms_of(*passes, rendering->mode).presentation);
    return entry;  // the kernel keeps no such name, for the file goes when one of its secrets does
}

// An open file is a snapshot: whatever its path shows by now, it is asked about what is in it.
Answer<struct stat> Operations::open_rendered_attributes(const Requester& who, std::uint64_t node,
                                                         const OpenFile& file) {
    auto passes = check_sights(who, targets_of(file));
    if (!passes) return tl::make_unexpected(passes.error());
    return describe_file(who, node, file.time_ms, file.large->value.size(),
                         terms_of(*passes, file.mode).presentation);
}

Answer<struct stat> Operations::rendered_attributes(const Requester& who, std::uint64_t node,
                                                    const Place& place, Worker& worker) {
    const auto rendering = parts_.rendered_files.find(place);
    if (!rendering) return answer_errno(ENOENT);
    auto passes = check_sights(who, targets_of(*rendering));
    if (!passes) return tl::make_unexpected(passes.error());
    const Presentation presentation = terms_of(*passes, rendering->mode).presentation;
    auto size = rendered_size(*rendering, worker);
    if (!size) return tl::make_unexpected(size.error());
    return describe_file(who, node, rendering->time_ms, *size, presentation);
}

Answer<> Operations::check_rendered(const Requester& who, const Place& place) {
    const auto rendering = parts_.rendered_files.find(place);
    if (!rendering) return answer_errno(ENOENT);
    auto passes = check_sights(who, targets_of(*rendering));
    if (!passes) return tl::make_unexpected(passes.error());
    return {};
}

void Operations::list_rendered(const Visitor& visitor, const Place& place, std::uint64_t cookie,
                               const EmitName& emit) {
    const Circumstances now = parts_.gate.circumstances();
    const auto places = parts_.rendered_files.places();
    for (std::size_t i = cookie >> 32 == kRenderedList ? cookie & 0xffffffff : 0; i < places.size(); ++i) {
        const Place& one = places[i];
        if (Place{one.org, one.project, one.domain} != place || parts_.catalogue.resolve(one)) continue;
        const auto rendering = parts_.rendered_files.find(one);
        if (!rendering) continue;
        const bool seen = std::ranges::all_of(targets_of(*rendering), [&](const Target& target) {
            return visitor.entitlement->decide(target.path, now).allow;
        });
        if (seen && !emit(parts_.catalogue.text(one.key), parts_.nodes.number(one), false,
                          kRenderedList << 32 | (i + 1)))
            return;
    }
}

// --- the text ---

Answer<Operations::SealedValues> Operations::load_all(
    const Rendering& rendering, Worker& worker,
    const std::function<void(std::size_t number, Errno error)>& refused) {
    SealedValues sealed;
    for (const RenderedSecret& one : rendering.secrets) {
        auto value = load(one.shown, worker);
        if (!value && refused) refused(sealed.size(), value.error());
        if (!value) return tl::make_unexpected(value.error());
        sealed.push_back(*std::move(value));
    }
    return sealed;
}

Answer<std::shared_ptr<const LargeCopy>> Operations::render(const Rendering& rendering,
                                                            const SealedValues& sealed, Worker& worker) {
    // Nothing that a filter writes is shorter than the value: so many bytes need not be opened to be too
    // many.
    std::uint64_t least = 0;
    for (const auto& value : sealed) least += value->size;
    if (auto made = parts_.rendered_files.made(rendering); made.text) return made.text;

    std::vector<std::shared_ptr<const LargeCopy>> values;
    std::vector<ByteView> views;
    for (std::size_t i = 0; i < sealed.size() && least <= kMaxRendered; ++i) {
        auto value = parts_.unsealer.open_large(*sealed[i], worker.scratch);
        if (!value) return answer_error(value.error());
        views.push_back((*value)->value);
        values.push_back(*std::move(value));
    }
    auto text = least <= kMaxRendered ? rendering.source->parsed.render(views)
                                      : fail(Code::limit, "its secrets have more than the ", kMaxRendered,
                                             " bytes of the limit");
    if (!text) {
        parts_.status.count(Status::Count::errors);
        parts_.rendered_files.keep_failure(rendering, text.error());
        return answer_errno(EIO);
    }
    auto copy = std::make_shared<LargeCopy>();
    copy->memory = *std::move(text);
    copy->value = copy->memory.view();
    parts_.rendered_files.keep(rendering, copy);
    return copy;
}

Answer<std::size_t> Operations::rendered_size(const Rendering& rendering, Worker& worker) {
    auto sealed = load_all(rendering, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    if (auto size = parts_.rendered_files.made(rendering).size) return *size;
    auto text = render(rendering, *sealed, worker);
    if (!text) return tl::make_unexpected(text.error());
    return (*text)->value.size();
}

// --- open, read ---

Answer<std::uint64_t> Operations::open_rendered(const Requester& who, const Place& place, int flags,
                                                Worker& worker) {
    const auto rendering = parts_.rendered_files.find(place);
    if (!rendering) return answer_errno(ENOENT);
    const auto targets = targets_of(*rendering);
    auto passes =
        pass_all(targets, [&](const Target& target) { return parts_.gate.check_open(who, target); });
    if (!passes) return tl::make_unexpected(passes.error());
    auto refuse = [&](Errno error) {
        for (const Target& target : targets) parts_.gate.audit_refusal(who, "open", target, reason_of(error));
        return tl::unexpected<Errno>(error);
    };
    if (would_write(flags)) return refuse({EROFS});
    auto sealed = load_all(*rendering, worker, [&](std::size_t number, Errno error) {
        parts_.gate.audit_refusal(who, "open", targets[number], reason_of(error));
    });
    if (!sealed) return tl::make_unexpected(sealed.error());
    auto text = render(*rendering, *sealed, worker);
    if (!text) return refuse(text.error());

    const Decision terms = terms_of(*passes, rendering->mode);
    auto file = open_file(*rendering, *std::move(text), *passes);
    file->uid = who.uid;
    file->place = place;
    file->inherit = terms.inherit;
    file->cached = terms.cached;
    auto handle = parts_.handles.add(std::move(file));
    if (!handle) return refuse(handle.error());
    for (std::size_t i = 0; i < targets.size(); ++i) {
        auto admitted = parts_.gate.admit_open((*passes)[i], who, targets[i]);
        if (admitted) continue;
        parts_.handles.release(*handle);
        // What is on record as allowed was not given after all.
        for (const Target& before : std::span(targets).first(i))
            parts_.gate.audit_refusal(who, "open", before, kReasonOtherSecret);
        return tl::make_unexpected(admitted.error());
    }
    parts_.status.count(Status::Count::opens);
    return *handle;
}

// A handle of an earlier daemon, of a text that is still the same. Who reads has to be allowed by itself,
// inherited or not.
Answer<std::shared_ptr<OpenFile>> Operations::reopen_rendered(const Requester& who,
                                                              const Rendering& rendering, Worker& worker) {
    auto passes = pass_all(targets_of(rendering), [&](const Target& target) {
        return parts_.gate.check_taken_over(who, target, false);
    });
    if (!passes) return tl::make_unexpected(passes.error());
    auto sealed = load_all(rendering, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    auto text = render(rendering, *sealed, worker);
    if (!text) return tl::make_unexpected(text.error());
    auto file = open_file(rendering, *std::move(text), *passes);
    file->cached = terms_of(*passes, rendering.mode).cached;
    return file;
}

Answer<ReadReply> Operations::read_rendered(const Requester& who, const OpenFile& file, std::size_t size,
                                            std::uint64_t offset) {
    if (offset >= file.large->value.size()) return ReadReply{};  // discloses nothing: no check
    const auto targets = targets_of(file);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const OpenSecret& one = file.rendered[i];
        if (auto good = check_version(who, one.secret, one.not_after_ms, targets[i]); !good)
            return tl::make_unexpected(good.error());
    }
    if (auto good = parts_.gate.check_read(who, file, targets); !good)
        return tl::make_unexpected(good.error());
    parts_.status.count(Status::Count::reads);
    return ReadReply{part_of(file.large->value, size, offset), 0, file.large};
}

}  // namespace coffer
