// SPDX-License-Identifier: Apache-2.0
#include "serve/fuse_ops.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <vector>

#include "hold/fuse_wire.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr double kNoTimeout = 0.0;  // attributes are never cached: owner and mode are each caller's own
// No kernel asks for more of a listing (max_write in hold/fuse_wire.cc); memory is taken for no more.
constexpr std::size_t kMostListed = 1u << 20;

thread_local Worker* this_worker = nullptr;  // set once by each serving thread
thread_local bool this_is_resent = false;    // set before each request, by the same

FuseContext& context_of(fuse_req_t request) {
    return *static_cast<FuseContext*>(fuse_req_userdata(request));
}

Operations& operations_of(fuse_req_t request) {
    return context_of(request).operations;
}

Requester requester(fuse_req_t request) {
    const fuse_ctx* context = fuse_req_ctx(request);
    return {context->pid, context->uid, context->gid, this_is_resent};
}

// Runs `answer`, which replies last of all it does; what the library throws for lack of memory becomes EIO.
template <class Function>
void reply_with(fuse_req_t request, const Function& answer) noexcept {
    try {
        answer();
    } catch (const std::exception&) {
        fuse_reply_err(request, EIO);
    }
}

void on_init(void*, fuse_conn_info* connection) {
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                                               FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ);
    // Look-ups and listings of one directory at once: nothing here counts on their being one by one.
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    connection->max_background = kMaxBackground;
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    reply_with(request, [&] {
        auto found = operations_of(request).lookup(requester(request), parent, name, *this_worker);
        if (!found) {
            fuse_reply_err(request, found.error().value);
            return;
        }
        fuse_entry_param entry{};
        entry.ino = found->node;
        entry.attr = found->attributes;
        entry.entry_timeout = found->entry_timeout;
        entry.attr_timeout = kNoTimeout;
        fuse_reply_entry(request, &entry);
    });
}

// Node ids are hashes that never change hands: there is nothing to count.
void on_forget(fuse_req_t request, fuse_ino_t, std::uint64_t) {
    fuse_reply_none(request);
}

void on_forget_multi(fuse_req_t request, std::size_t, fuse_forget_data*) {
    fuse_reply_none(request);
}

void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    reply_with(request, [&] {
        auto handle = file ? std::optional<std::uint64_t>(file->fh) : std::nullopt;
        auto attributes = operations_of(request).attributes(requester(request), node, handle, *this_worker);
        if (attributes)
            fuse_reply_attr(request, &*attributes, kNoTimeout);
        else
            fuse_reply_err(request, attributes.error().value);
    });
}

void on_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    reply_with(request, [&] {
        Operations& operations = operations_of(request);
        auto handle = operations.open(requester(request), node, file->flags, *this_worker);
        if (!handle) {
            fuse_reply_err(request, handle.error().value);
            return;
        }
        file->fh = *handle;
        file->direct_io = 1;
        file->noflush = 1;
        // The caller was killed meanwhile: nobody will ever release it.
        if (fuse_reply_open(request, file) == -ENOENT) (void)operations.release(*handle);
    });
}

void on_read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* file) {
    reply_with(request, [&] {
        auto reply =
            operations_of(request).read(requester(request), node, file->fh, size,
                                        static_cast<std::uint64_t>(offset), file->lock_owner, *this_worker);
        if (!reply) {
            fuse_reply_err(request, reply.error().value);
            return;
        }
        fuse_reply_buf(request, reinterpret_cast<const char*>(reply->bytes.data()), reply->bytes.size());
        this_worker->scratch.wipe_area(reply->scratch_used);
    });
}

void on_release(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    FuseContext& context = context_of(request);
    const bool drop_pages = context.operations.release(file->fh);
    fuse_reply_err(request, 0);
    if (drop_pages) context.invalidator.order({node, {}});
}

void on_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
    reply_with(request, [&] {
        auto good = operations_of(request).open_directory(requester(request), node);
        if (good)
            fuse_reply_open(request, file);
        else
            fuse_reply_err(request, good.error().value);
    });
}

void on_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    fuse_reply_err(request, 0);
}

void on_readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
    reply_with(request, [&] {
        std::vector<char> buffer(std::min(size, kMostListed));
        std::size_t used = 0;
        auto good = operations_of(request).list(
            requester(request), node, static_cast<std::uint64_t>(offset),
            [&](std::string_view name, std::uint64_t child, bool directory, std::uint64_t next) {
                struct stat attributes {};
                attributes.st_ino = child;
                attributes.st_mode = directory ? S_IFDIR : S_IFREG;
                const std::string text(name);  // libfuse wants the NUL
                const std::size_t need =
                    fuse_add_direntry(request, buffer.data() + used, buffer.size() - used, text.c_str(),
                                      &attributes, static_cast<off_t>(next));
                if (need > buffer.size() - used) return false;
                used += need;
                return true;
            });
        if (good)
            fuse_reply_buf(request, buffer.data(), used);
        else
            fuse_reply_err(request, good.error().value);
    });
}

void on_statfs(fuse_req_t request, fuse_ino_t) {
    struct statvfs figures {};  // nothing to be counted: how many secrets there are is not for everybody
    figures.f_bsize = figures.f_frsize = 4096;
    figures.f_namemax = kMaxKey;
    fuse_reply_statfs(request, &figures);
}

void on_access(fuse_req_t request, fuse_ino_t node, int mask) {
    reply_with(request, [&] {
        auto good = operations_of(request).access(requester(request), node, mask);
        fuse_reply_err(request, good ? 0 : good.error().value);
    });
}

void reply_attribute(fuse_req_t request, const Answer<std::string>& text, std::size_t room) {
    if (!text)
        fuse_reply_err(request, text.error().value);
    else if (room == 0)
        fuse_reply_xattr(request, text->size());
    else if (text->size() > room)
        fuse_reply_err(request, ERANGE);
    else
        fuse_reply_buf(request, text->data(), text->size());
}

void on_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t room) {
    reply_with(request, [&] {
        reply_attribute(request, operations_of(request).attribute(requester(request), node, name), room);
    });
}

void on_listxattr(fuse_req_t request, fuse_ino_t node, std::size_t room) {
    reply_with(request, [&] {
        reply_attribute(request, operations_of(request).attribute_names(requester(request), node), room);
    });
}

void on_readlink(fuse_req_t request, fuse_ino_t node) {
    reply_with(request, [&] {
        fuse_reply_err(request, operations_of(request).refuse_link_read(requester(request), node).value);
    });
}

// --- everything that would write ---

void refuse_write(fuse_req_t request, fuse_ino_t node) {
    reply_with(request, [&] {
        fuse_reply_err(request, operations_of(request).refuse_write(requester(request), node).value);
    });
}

// A size alone, or a time alone that is not the present, may be the watcher's touch.
void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int what, fuse_file_info* file) {
    if (what != FUSE_SET_ATTR_SIZE && what != FUSE_SET_ATTR_MTIME) return refuse_write(request, node);
    reply_with(request, [&] {
        std::optional<std::uint64_t> size, handle;
        if (what == FUSE_SET_ATTR_SIZE) size = static_cast<std::uint64_t>(wanted->st_size);
        if (file) handle = file->fh;
        auto attributes = operations_of(request).touch(requester(request), node, size, handle, *this_worker);
        if (attributes)
            fuse_reply_attr(request, &*attributes, kNoTimeout);
        else
            fuse_reply_err(request, attributes.error().value);
    });
}
void on_mknod(fuse_req_t request, fuse_ino_t parent, const char*, mode_t, dev_t) {
    refuse_write(request, parent);
}
void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char*, mode_t) {
    refuse_write(request, parent);
}
void on_unlink(fuse_req_t request, fuse_ino_t parent, const char*) {
    refuse_write(request, parent);
}
void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char*) {
    refuse_write(request, parent);
}
void on_symlink(fuse_req_t request, const char*, fuse_ino_t parent, const char*) {
    refuse_write(request, parent);
}
void on_rename(fuse_req_t request, fuse_ino_t parent, const char*, fuse_ino_t, const char*, unsigned) {
    refuse_write(request, parent);
}
void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t, const char*) {
    refuse_write(request, node);
}
void on_create(fuse_req_t request, fuse_ino_t parent, const char*, mode_t, fuse_file_info*) {
    refuse_write(request, parent);
}
void on_write(fuse_req_t request, fuse_ino_t node, const char*, std::size_t, off_t, fuse_file_info*) {
    refuse_write(request, node);
}
void on_setxattr(fuse_req_t request, fuse_ino_t node, const char*, const char*, std::size_t, int) {
    refuse_write(request, node);
}
void on_removexattr(fuse_req_t request, fuse_ino_t node, const char*) {
    refuse_write(request, node);
}
void on_fallocate(fuse_req_t request, fuse_ino_t node, int, off_t, off_t, fuse_file_info*) {
    refuse_write(request, node);
}

fuse_lowlevel_ops make_operations() {
    fuse_lowlevel_ops table{};  // no flush and no readdirplus, on purpose
    table.init = on_init;
    table.lookup = on_lookup;
    table.forget = on_forget;
    table.forget_multi = on_forget_multi;
    table.getattr = on_getattr;
    table.open = on_open;
    table.read = on_read;
    table.release = on_release;
    table.opendir = on_opendir;
    table.readdir = on_readdir;
    table.releasedir = on_releasedir;
    table.statfs = on_statfs;
    table.access = on_access;
    table.getxattr = on_getxattr;
    table.listxattr = on_listxattr;
    table.readlink = on_readlink;
    table.setattr = on_setattr;
    table.mknod = on_mknod;
    table.mkdir = on_mkdir;
    table.unlink = on_unlink;
    table.rmdir = on_rmdir;
    table.symlink = on_symlink;
    table.rename = on_rename;
    table.link = on_link;
    table.create = on_create;
    table.write = on_write;
    table.setxattr = on_setxattr;
    table.removexattr = on_removexattr;
    table.fallocate = on_fallocate;
    return table;
}

}  // namespace

const fuse_lowlevel_ops& fuse_operations() {
    static const fuse_lowlevel_ops table = make_operations();
    return table;
}

void serve_with(Worker* worker) {
    this_worker = worker;
}

void note_resent(bool resent) {
    this_is_resent = resent;
}

}  // namespace coffer
