// SPDX-License-Identifier: Apache-2.0
#include "serve/operations.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/wall_clock.h"
#include "names/name.h"
#include "serve/version_loader.h"

namespace coffer {
namespace {

constexpr double kLongTimeout = 3600.0;
constexpr off_t kBlock = 512;

// What the watcher opens a file for. docs/design.md, "Watchers".
bool may_be_touch(int flags) {
    return (flags & (O_ACCMODE | O_TRUNC | O_APPEND)) == O_WRONLY;
}

void set_times(struct stat& out, std::int64_t seconds, long nanoseconds) {
    out.st_mtim = {static_cast<time_t>(seconds), nanoseconds};
    out.st_atim = out.st_ctim = out.st_mtim;
}

}  // namespace

Operations::Operations(const Parts& parts)
    : parts_(parts), started_(static_cast<std::int64_t>(wall_clock_ms() / 1000)) {}

bool Operations::would_write(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

std::span<const std::uint8_t> Operations::part_of(std::span<const std::uint8_t> all, std::size_t size,
                                                  std::uint64_t offset) {
    if (offset >= all.size()) return {};
    all = all.subspan(static_cast<std::size_t>(offset));
    return all.first(std::min(size, all.size()));
}

std::string_view Operations::reason_of(Errno error) {
    switch (error.value) {
        case EKEYEXPIRED:
            return "expired";
        case EKEYREVOKED:
            return "removed or purged";
        case ENOKEY:
            return "this host holds no scope key for it";
        case EMFILE:
        case ENFILE:
            return "a limit is reached";
        case EROFS:
            return "it would write";
        default:
            return "the secret cannot be served";
    }
}

SecretPath Operations::secret_path(const Place& place) const {
    const Catalogue& names = parts_.catalogue;
    return {names.text(place.org), names.text(place.project), names.text(place.domain),
            names.text(place.key)};
}

DirectoryPath Operations::directory_path(const Place& place) const {
    auto text = [&](NameId name) { return name ? parts_.catalogue.text(name) : std::string_view(); };
    return {text(place.org), text(place.project), text(place.domain)};
}

struct stat Operations::describe_directory(const Requester& who, std::uint64_t node) const {
    struct stat out {};
    out.st_ino = node;
    out.st_mode = S_IFDIR | 0500;
    out.st_nlink = 2;
    out.st_uid = who.uid;
    out.st_gid = who.gid;
    out.st_blksize = 4096;
    set_times(out, started_, 0);
    return out;
}

struct stat Operations::describe_file(const Requester& who, std::uint64_t node, std::uint64_t time_ms,
                                      std::size_t size, const Presentation& presentation) const {
    struct stat out {};
    out.st_ino = node;
    out.st_mode = S_IFREG | (presentation.mode & 07777);
    out.st_nlink = 1;
    out.st_uid = presentation.owner.value_or(who.uid);
    out.st_gid = presentation.group.value_or(who.gid);
    out.st_size = static_cast<off_t>(size);
    out.st_blksize = 4096;
    out.st_blocks = (out.st_size + kBlock - 1) / kBlock;
    set_times(out, static_cast<std::int64_t>(time_ms / 1000), static_cast<long>(time_ms % 1000 * 1000000));
    return out;
}

// --- names and attributes ---

Answer<FoundEntry> Operations::lookup(const Requester& who, std::uint64_t parent, std::string_view name,
                                      Worker& worker) {
    parts_.status.count(Status::Count::lookups);
    auto found = parts_.nodes.find(parent);
    const NameId child = parts_.catalogue.find_name(name);
    if (!found || !found->is_directory()) return answer_errno(ENOENT);
    if (name.size() > kMaxKey) return refuse_long_name(who, *found);
    if (child == kNoName) return find_nothing(who, *found, name);
    Place place = *found;
    if (place.is_status()) {
        place.key = child;
        return lookup_status(who, place);
    }
    if (place.is_root() && child == kStatusFolder) return lookup_status(who, Place{.org = kStatusFolder});
    if (place.holds_keys()) {
        place.key = child;
        return lookup_key(who, place, worker);
    }
    (place.is_root() ? place.org : place.project == kNoName ? place.project : place.domain) = child;
    return lookup_directory(who, place);
}

// What is not there takes about as long as what is hidden, or a clock would tell them apart.
tl::unexpected<Errno> Operations::find_nothing(const Requester& who, const Place& parent,
                                               std::string_view name) {
    const DirectoryPath above = directory_path(parent);
    if (parent.holds_keys())
        (void)parts_.gate.check_sight(who, {above.org, above.project, above.domain, name});
    else
        (void)parts_.gate.admit(who);
    return answer_errno(ENOENT);
}

// POSIX has an errno for it, where statfs tells the limit; but what is hidden has no names at all.
tl::unexpected<Errno> Operations::refuse_long_name(const Requester& who, const Place& parent) {
    auto seen = check_visible(who, parent);
    return tl::unexpected<Errno>(seen ? Errno{ENAMETOOLONG} : seen.error());
}

Answer<FoundEntry> Operations::lookup_directory(const Requester& who, const Place& place) {
    if (!parts_.catalogue.exists(place)) return find_nothing(who, Place{}, "");
    auto seen = parts_.gate.check_directory(who, directory_path(place));
    if (!seen) return tl::make_unexpected(seen.error());
    FoundEntry entry;
    entry.node = parts_.nodes.hand_out(place);
    entry.attributes = describe_directory(who, entry.node);
    entry.entry_timeout = kLongTimeout;
    return entry;
}

Answer<FoundEntry> Operations::lookup_key(const Requester& who, const Place& place, Worker& worker) {
    auto shown = parts_.catalogue.resolve(place);
    if (!shown) return lookup_rendered(who, place, worker);
    auto pass = parts_.gate.check_lookup(who, {secret_path(place), shown->version, shown->scope});
    if (!pass) return tl::make_unexpected(pass.error());
    auto sealed = load(*shown, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    FoundEntry entry;
    entry.node = parts_.nodes.hand_out(place);
    entry.attributes =
        describe_file(who, entry.node, shown->time_ms, (*sealed)->size, pass->decision.presentation);
    entry.entry_timeout = parts_.fast_names ? kLongTimeout : 0.0;
    return entry;
}

Answer<FoundEntry> Operations::lookup_status(const Requester& who, const Place& place) {
    if (place.key > kRevision || place.key == kStatusFolder) return answer_errno(ENOENT);
    auto admin = parts_.gate.check_admin(who);
    if (!admin) return answer_errno(ENOENT);  // even where the policy's refusals are told
    FoundEntry entry;
    entry.node = parts_.nodes.hand_out(place);
    entry.attributes = describe_directory(who, entry.node);
    if (!place.is_directory()) {
        entry.attributes.st_mode = S_IFREG | 0400;  // of no size, as in /proc: it is made when it is opened
        entry.attributes.st_nlink = 1;
    }
    return entry;
}

Answer<struct stat> Operations::attributes(const Requester& who, std::uint64_t node,
                                           std::optional<std::uint64_t> handle, Worker& worker) {
    auto place = parts_.nodes.find(node);
    if (!place) return answer_errno(ENOENT);
    if (place->is_root()) return describe_directory(who, node);
    if (place->is_status() || place->is_directory()) {
        auto entry = place->is_status() ? lookup_status(who, *place) : lookup_directory(who, *place);
        if (!entry) return tl::make_unexpected(entry.error());
        return entry->attributes;
    }
    auto file = handle ? parts_.handles.find(*handle) : nullptr;
    if (file && !file->rendered.empty()) return open_rendered_attributes(who, node, *file);
    auto shown = parts_.catalogue.resolve(*place);
    if (!shown) return rendered_attributes(who, node, *place, worker);
    auto pass = parts_.gate.check_sight(who, secret_path(*place));
    if (!pass) return tl::make_unexpected(pass.error());
    if (file && file->sealed)  // an open file is a snapshot, its time too
        return describe_file(who, node, file->time_ms, file->sealed->size, pass->decision.presentation);
    auto sealed = load(*shown, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    return describe_file(who, node, shown->time_ms, (*sealed)->size, pass->decision.presentation);
}

Answer<std::shared_ptr<const SealedValue>> Operations::load(const Shown& shown, Worker& worker) {
    const VersionLoader loader{parts_.catalogue, parts_.unsealer, parts_.status, parts_.audit};
    auto sealed = loader.load(shown, worker);
    if (!sealed) return answer_error(sealed.error());
    return *std::move(sealed);
}

// --- open, read, release ---

Answer<std::uint64_t> Operations::open(const Requester& who, std::uint64_t node, int flags, Worker& worker) {
    auto place = parts_.nodes.find(node);
    if (!place) return answer_errno(ESTALE);  // of an earlier daemon: the kernel looks the name up again
    if (place->is_directory()) return answer_errno(EISDIR);
    if (place->is_status()) return open_status(who, *place, flags);
    return open_secret(who, *place, flags, worker);
}

std::shared_ptr<OpenFile> Operations::file_of(const Shown& shown, std::shared_ptr<const SealedValue> sealed) {
    auto file = std::make_shared<OpenFile>();
    file->sealed = std::move(sealed);
    file->secret = shown.secret;
    file->version = shown.version;
    file->not_after_ms = shown.not_after_ms;
    file->time_ms = shown.time_ms;
    file->level = shown.level;
    file->scope = shown.scope;
    return file;
}

Answer<std::uint64_t> Operations::open_secret(const Requester& who, const Place& place, int flags,
                                              Worker& worker) {
    auto shown = parts_.catalogue.resolve(place);
    if (!shown) return open_rendered(who, place, flags, worker);
    if (may_be_touch(flags) && parts_.gate.check_watcher(who))
        return open_to_touch(who, place, *shown, worker);
    const Target target{secret_path(place), shown->version, shown->scope};
    auto pass = parts_.gate.check_open(who, target);
    if (!pass) return tl::make_unexpected(pass.error());
    auto refuse = [&](Errno error) {
        parts_.gate.audit_refusal(who, "open", target, reason_of(error));
        return tl::unexpected<Errno>(error);
    };
    if (would_write(flags)) return refuse({EROFS});
    auto sealed = load(*shown, worker);
    if (!sealed) return refuse(sealed.error());

    auto file = file_of(*shown, *std::move(sealed));
    file->uid = who.uid;
    file->place = place;
    file->opener = pass->visitor.attested;
    file->opened = pass->at;
    file->inherit = pass->decision.inherit;
    file->cached = pass->decision.cached;
    file->policy_generation = pass->visitor.policy_generation;
    auto handle = parts_.handles.add(std::move(file));
    if (!handle) return refuse(handle.error());
    if (auto audited = parts_.gate.admit_open(*pass, who, target); !audited) {
        parts_.handles.release(*handle);
        return tl::make_unexpected(audited.error());
    }
    parts_.status.count(Status::Count::opens);
    return *handle;
}

Answer<std::uint64_t> Operations::open_status(const Requester& who, const Place& place, int flags) {
    auto admin = parts_.gate.check_admin(who);
    if (!admin) return answer_errno(ENOENT);
    if (would_write(flags)) return answer_errno(EROFS);
    auto file = std::make_shared<OpenFile>();
    file->uid = who.uid;
    file->place = place;
    file->text = parts_.status_files.text(place.key);
    file->opener = admin->attested;
    return parts_.handles.add(std::move(file));
}

Answer<ReadReply> Operations::read(const Requester& who, std::uint64_t node, std::uint64_t handle,
                                   std::size_t size, std::uint64_t offset, std::uint64_t lock_owner,
                                   Worker& worker) {
    auto file = parts_.handles.find(handle);
    if (!file) {
        auto taken = take_over(who, node, handle, worker);
        if (!taken) return tl::make_unexpected(taken.error());
        file = *std::move(taken);
    }
    if (file->touch) return answer_errno(EBADF);
    // What is in the page cache is served to others with no request at all.
    if (lock_owner == 0 && !file->cached) {
        if (file->sealed) parts_.gate.audit_refusal(who, "read", target_of(*file), kReasonUncached);
        for (const Target& target : targets_of(*file))
            parts_.gate.audit_refusal(who, "read", target, kReasonUncached);
        return answer_errno(EACCES);
    }
    if (file->sealed) return read_secret(who, *file, size, offset, worker);
    if (!file->rendered.empty()) return read_rendered(who, *file, size, offset);
    auto admin = parts_.gate.check_admin(who);
    if (!admin) return answer_errno(EACCES);
    return ReadReply{part_of(as_bytes(file->text), size, offset), 0, file};
}

Target Operations::target_of(const OpenFile& file) const {
    return {secret_path(file.place), file.version, file.scope};
}

// An open file is a snapshot, unless what it shows was taken back.
Answer<> Operations::check_version(const Requester& who, std::uint32_t secret, std::uint64_t not_after_ms,
                                   const Target& target) {
    const bool revoked = parts_.catalogue.is_revoked(secret, target.version);
    if (!revoked && !is_past(not_after_ms)) return {};
    const Errno error{revoked ? EKEYREVOKED : EKEYEXPIRED};
    parts_.gate.audit_refusal(who, "read", target, reason_of(error));
    return tl::unexpected<Errno>(error);
}

Answer<ReadReply> Operations::read_secret(const Requester& who, const OpenFile& file, std::size_t size,
                                          std::uint64_t offset, Worker& worker) {
    if (offset >= file.sealed->size) return ReadReply{};  // discloses nothing: no check
    const Target target = target_of(file);
    if (auto good = check_version(who, file.secret, file.not_after_ms, target); !good)
        return tl::make_unexpected(good.error());
    if (auto good = parts_.gate.check_read(who, file, {&target, 1}); !good)
        return tl::make_unexpected(good.error());
    parts_.status.count(Status::Count::reads);
    if (file.sealed->is_large()) return read_large(file, size, offset, worker);
    auto value = parts_.unsealer.open(*file.sealed, worker.scratch);
    if (!value) return answer_error(value.error());
    return ReadReply{part_of(*value, size, offset), opened_size(file.sealed->payload.size()), {}};
}

Answer<ReadReply> Operations::read_large(const OpenFile& file, std::size_t size, std::uint64_t offset,
                                         Worker& worker) {
    std::shared_ptr<const LargeCopy> copy;
    {
        std::lock_guard lock(file.large_mutex);
        copy = file.large;
    }
    if (!copy) {
        auto opened = parts_.unsealer.open_large(*file.sealed, worker.scratch);
        if (!opened) return answer_error(opened.error());
        copy = *std::move(opened);
        // Charged once: the handle's first reader keeps the copy for the others.
        std::lock_guard lock(file.large_mutex);
        if (!file.large) {
            if (!parts_.handles.charge_large(file, copy->memory.size())) return answer_errno(EMFILE);
            file.large = copy;
        }
    }
    return ReadReply{part_of(copy->value, size, offset), 0, copy};
}

bool Operations::release(std::uint64_t handle) {
    auto file = parts_.handles.find(handle);
    parts_.handles.release(handle);
    return file ? file->cached : !parts_.handles.is_own(handle);  // of an earlier daemon: nobody knows
}

// --- what is asked before anything else about a node ---

Answer<> Operations::check_visible(const Requester& who, const Place& place) {
    if (place.is_root()) return {};
    if (place.is_status()) {
        if (!parts_.gate.check_admin(who)) return answer_errno(ENOENT);
        return {};
    }
    if (place.is_directory()) {
        if (!parts_.catalogue.exists(place)) return answer_errno(ENOENT);
        auto seen = parts_.gate.check_directory(who, directory_path(place));
        if (!seen) return tl::make_unexpected(seen.error());
        return {};
    }
    if (!parts_.catalogue.resolve(place)) return check_rendered(who, place);
    auto pass = parts_.gate.check_sight(who, secret_path(place));
    if (!pass) return tl::make_unexpected(pass.error());
    return {};
}

}  // namespace coffer
