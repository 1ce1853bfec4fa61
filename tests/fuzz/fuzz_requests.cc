// SPDX-License-Identifier: Apache-2.0
//
// Requests in any order and of any content to the daemon's own callbacks, as a kernel would send them, by two
// processes and some that there are not. The kernel is trusted to write requests whole, and libfuse reads
// them: lengths are right, all else is the fuzzer's. request_script.h has how values are written; a request
// is a letter, a caller, a node and what kRequestKinds says.
//
// Properties: each request has one reply of its own number that is no larger than what was asked for, and
// what wants none has none; nobody finds or lists what the policy hides from it; the bytes of a value come to
// light in nothing but the reply to a READ, through an open handle of it, by a caller whom the policy lets at
// that moment; nothing is ever written; no byte of a value stays in the worker's memory; and when every
// handle is released none is left.
#include <map>

#include "request_script.h"
#include "request_vocabulary.h"
#include "require.h"
#include "support/request_connection.h"

using namespace coffer;
using namespace coffer::fuzz;

namespace {

constexpr std::size_t kMostRequests = 256;

ServedStore& store() {
    static ServedStore all;
    return all;
}

class Play {
  public:
    explicit Play(ByteView bytes) : script_(bytes), connection_(store()) {
        const auto place = [](std::string_view org, std::string_view project = {},
                              std::string_view domain = {}, std::string_view key = {}) {
            const auto number = [](std::string_view text) {
                return text.empty() ? kNoName : store().catalogue.find_name(text);
            };
            return Place{number(org), number(project), number(domain), number(key)};
        };
        const auto add = [&](const Place& where, Node::Kind kind, std::string_view name) {
            nodes_.push_back(
                {where.is_root() ? kRootNode : connection_.nodes.number(where), kind, std::string(name)});
        };
        using enum Node::Kind;
        add({}, directory, "");
        add(place("acme"), directory, "acme");
        add(place("acme", "checkout"), directory, "checkout");
        add(place("acme", "checkout", "production"), directory, "production");
        for (const ServedSecret& one : kSecrets)
            add(place("acme", "checkout", "production", one.key), secret, one.key);
        for (const ServedTemplate& one : templates())
            add(place("acme", "checkout", "production", one.name), rendered, one.name);
        add({.org = kStatusFolder}, status, ".coffer");
        for (std::string_view name : {"status.json", "metrics", "revision"})
            add({.org = kStatusFolder, .key = store().catalogue.find_name(name)}, status, name);
        for (std::uint64_t id : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{4711}})
            nodes_.push_back({.id = id});
        add(place("acme", "checkout", "staging"), elsewhere, "");
        add(place("acme", "other", "staging"), elsewhere, "");
        add(place("acme", "checkout", "production", "WIDE"), elsewhere, "");
    }

    void run() {
        if (script_.is_empty() || peek_not_init()) init();
        for (std::size_t i = 0; i < kMostRequests && !script_.is_empty() && !destroyed_; ++i) step();
        end();
    }

  private:
    struct Asked {
        RequestKind what{};
        Asker by;
        Node node;
        Bytes body = {};
        std::string name = {};
        std::uint64_t handle = 0, offset = 0, size = 0, lock_owner = 0;
        std::uint32_t flags = 0;
        bool has_handle = false;
    };

    // An input that begins with "-" does without the INIT that the kernel sends first.
    bool peek_not_init() {
        first_ = script_.letter();
        return first_ != '-';
    }

    // --- a request ---

    void step() {
        const char letter = first_ ? std::exchange(first_, '\0') : script_.letter();
        if (letter == '%') {
            policy_ = script_.choice('0', 2);
            return store().use_policy(policy_);
        }
        // As after a hand-over: the kernel may have ids that an earlier daemon gave it.
        if (letter == '^') return connection_.nodes.expect_earlier();
        Asked asked;
        const auto known = std::ranges::find(kRequestKinds, letter, &RequestKind::letter);
        if (known != kRequestKinds.end())
            asked.what = *known;
        else if (letter == '!')
            asked.what = {letter, static_cast<std::uint32_t>(script_.number()), 64, 1, true};
        else
            return;
        // The answer to a question of the daemon's that it never asks; libfuse keeps what it cannot place.
        if (asked.what.opcode == FUSE_NOTIFY_REPLY) return;
        const Requester who = caller(asked);
        asked.node = nodes_[script_.choice('a', nodes_.size())];
        write_body(asked);
        const std::uint64_t unique = next_unique_;
        next_unique_ += 2;
        const auto replies = connection_.send(who, asked.what.opcode, unique, asked.node.id, asked.body);
        if (trace()) tell(asked, who, unique, replies);
        judge(asked, unique, replies);
    }

    // For whoever looks at a finding: COFFER_FUZZ_TRACE=1 fuzz_requests FILE.
    static bool trace() { return std::getenv("COFFER_FUZZ_TRACE") != nullptr; }
    static void tell(const Asked& asked, const Requester& who, std::uint64_t unique,
                     const std::vector<RequestReply>& replies) {
        std::fprintf(stderr, "%c opcode %u number %llu node \"%s\" handle %llx name \"%.40s\" by %d uid %u:",
                     asked.what.letter, asked.what.opcode, static_cast<unsigned long long>(unique),
                     asked.node.name.c_str(), static_cast<unsigned long long>(asked.handle),
                     asked.name.c_str(), who.tid, who.uid);
        for (const RequestReply& reply : replies)
            std::fprintf(stderr, " reply to %llu: %d, %zu bytes",
                         static_cast<unsigned long long>(reply.header.unique), reply.header.error,
                         reply.body.size());
        std::fputc('\n', stderr);
    }

    Requester caller(Asked& asked) {
        constexpr std::size_t kCallers = 6;
        const std::size_t picked = script_.choice('0', 2 * kCallers);
        const Requester self = store().self(), other = store().other();
        std::array<Requester, kCallers> all{self, other, self, self, self, self};
        all[2].tid = other.tid;  // with the ids of self
        all[3].tid = 0;
        all[4].tid = 0x7ffffff0;
        all[5].uid = all[5].gid = 12345;
        Requester who = all[picked % kCallers];
        who.resent = picked >= kCallers;
        if (who.tid == self.tid && who.uid == self.uid) asked.by.reader = kSelf;
        if (who.tid == other.tid && who.uid == other.uid) asked.by.reader = kOther;
        asked.by.policy = policy_;
        asked.by.admin = asked.by.is_anybody() && who.uid == self.uid;
        return who;
    }

    template <class Struct>
    void put(Asked& asked, const Struct& value) {
        std::memcpy(asked.body.data(), &value, std::min(sizeof value, asked.body.size()));
    }

    void write_body(Asked& asked) {
        asked.body.resize(asked.what.size);
        switch (asked.what.opcode) {
            case FUSE_GETATTR: {
                fuse_getattr_in in{};
                in.getattr_flags = script_.choice('0', 2) ? FUSE_GETATTR_FH : 0;
                if (in.getattr_flags) in.fh = handle(asked);
                put(asked, in);
                break;
            }
            case FUSE_SETATTR: {
                fuse_setattr_in in{};
                in.valid = static_cast<std::uint32_t>(script_.number());
                in.size = script_.number();
                if (in.valid & FATTR_FH) in.fh = handle(asked);
                put(asked, in);
                break;
            }
            case FUSE_OPEN:
            case FUSE_OPENDIR: {
                fuse_open_in in{};
                in.flags = asked.flags = static_cast<std::uint32_t>(script_.number());
                put(asked, in);
                break;
            }
            case FUSE_READ:
            case FUSE_READDIR:
            case FUSE_READDIRPLUS: {
                fuse_read_in in{};
                if (asked.what.opcode == FUSE_READ) in.fh = handle(asked);
                in.size = static_cast<std::uint32_t>(script_.number());
                in.offset = asked.offset = script_.number();
                const bool owned = script_.choice('0', 2) == 0;
                in.lock_owner = asked.lock_owner = owned ? 77 : 0;
                in.read_flags = owned ? FUSE_READ_LOCKOWNER : 0;
                asked.size = in.size;
                put(asked, in);
                break;
            }
            case FUSE_RELEASE: {
                fuse_release_in in{};
                in.fh = handle(asked);
                put(asked, in);
                break;
            }
            case FUSE_GETXATTR:
            case FUSE_LISTXATTR: {
                fuse_getxattr_in in{};
                in.size = static_cast<std::uint32_t>(script_.number());
                asked.size = in.size;
                put(asked, in);
                break;
            }
            case FUSE_ACCESS: {
                fuse_access_in in{};
                in.mask = static_cast<std::uint32_t>(script_.number());
                put(asked, in);
                break;
            }
            case FUSE_INTERRUPT: {
                fuse_interrupt_in in{};
                in.unique = next_unique_ + 4 - 2 * script_.choice('0', 8);
                put(asked, in);
                break;
            }
            case FUSE_BATCH_FORGET: {
                fuse_batch_forget_in in{};
                in.count = static_cast<std::uint32_t>(script_.choice('0', 8));
                asked.body.resize(sizeof in + in.count * sizeof(fuse_forget_one));
                put(asked, in);
                break;
            }
            case FUSE_INIT:
                put(asked, init_request());
                break;
            default:  // whatever stands there
                for (std::size_t at = 0; at < asked.what.size && !script_.is_empty() && at < 24; at += 8) {
                    const std::uint64_t value = script_.number();
                    std::memcpy(asked.body.data() + at, &value,
                                std::min<std::size_t>(8, asked.what.size - at));
                }
        }
        for (int i = 0; i < asked.what.names; ++i) {
            const std::string name = script_.text(names());
            if (i == 0) asked.name = name;
            asked.body.insert(asked.body.end(), name.begin(), name.end());
            asked.body.push_back(0);
        }
        if (asked.what.data) asked.body.resize(asked.body.size() + 64 + script_.choice('0', 64));
    }

    [[nodiscard]] fuse_init_in init_request() {
        fuse_init_in in{};
        constexpr std::array<std::uint32_t, 4> kMinors{38, 31, 45, 23};
        in.major = static_cast<std::uint32_t>(7 + script_.choice('0', 2));
        in.minor = kMinors[script_.choice('0', kMinors.size())];
        in.max_readahead = 131072;
        in.flags = script_.choice('0', 2) ? 0 : ~std::uint32_t{0};
        return in;
    }

    // One that was given out, the last first, or one of an earlier daemon's.
    std::uint64_t handle(Asked& asked) {
        asked.has_handle = true;
        const std::size_t picked = script_.choice('0', 24);
        if (picked < 16) {
            if (given_.empty()) return asked.handle = 0;
            return asked.handle = given_[given_.size() - 1 - picked % given_.size()];
        }
        HandleBits bits;
        bits.generation = static_cast<std::uint16_t>(1 + picked % 2);
        bits.slot = static_cast<std::uint32_t>(script_.choice('0', 4));
        bits.version = static_cast<std::uint32_t>(script_.number());
        bits.level = static_cast<std::uint8_t>(script_.choice('0', 4));
        bits.inherit = script_.choice('0', 2);
        if (picked >= 22) {  // that of a rendered file
            const auto& at = asked.node;
            for (const Place& place : store().rendered.places()) {
                const auto rendering = store().rendered.find(place);
                if (connection_.nodes.number(place) == at.id && rendering)
                    bits.version = rendering->fingerprint();
            }
        }
        asked.handle = bits.pack();
        if (asked.what.opcode == FUSE_READ) earlier_.insert(asked.handle);
        return asked.handle;
    }

    // --- the answer ---

    void judge(const Asked& asked, std::uint64_t unique, const std::vector<RequestReply>& replies) {
        int own = 0;
        for (const RequestReply& reply : replies) {
            if (reply.header.unique != unique) {
                // libfuse tells the kernel to send an interrupt again whose request it does not know.
                require(interrupts_.erase(reply.header.unique) == 1 && reply.header.error == -EAGAIN,
                        "a reply is to something that was asked and not answered");
                continue;
            }
            ++own;
            judge_one(asked, reply);
        }
        const std::uint32_t opcode = asked.what.opcode;
        const bool forget = opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
        const bool silent = initialised_ && (forget || opcode == FUSE_INTERRUPT);
        require(own == (silent ? 0 : 1), "who waits for an answer gets one, and nobody else");
        if (silent && opcode == FUSE_INTERRUPT) interrupts_.insert(unique);
        if (opcode == FUSE_INIT && replies.back().header.error == 0 && major_of(asked) == 7)
            initialised_ = true;
        if (opcode == FUSE_DESTROY && initialised_) destroyed_ = true;
        const auto area = store().worker.scratch.area();
        require(area[0] == 0 && std::memcmp(area.data(), area.data() + 1, area.size() - 1) == 0,
                "no value stays in the worker's memory");
    }
    [[nodiscard]] static std::uint32_t major_of(const Asked& asked) {
        fuse_init_in in{};
        std::memcpy(&in, asked.body.data(), std::min(sizeof in, asked.body.size()));
        return in.major;
    }

    void judge_one(const Asked& asked, const RequestReply& reply) {
        const std::uint32_t opcode = asked.what.opcode;
        const bool good = reply.header.error == 0;
        require(reply.header.error <= 0 && reply.header.error > -1000, "an error is an errno");
        require(good || reply.body.empty(), "an error says nothing more");
        const bool first = opcode == FUSE_INIT || opcode == CUSE_INIT;  // libfuse refuses a second one so
        require(good || reply.header.error != -EIO || !initialised_ || first, "nothing goes wrong");
        if (opcode == FUSE_INIT) return;
        if (opcode != FUSE_READ)
            require(marks_in(reply.body).empty(), "a value is in the reply to a READ alone");
        if (!good) return;
        const auto seen = [&](bool by_name) {
            require(asked.by.may_see(asked.node.kind, asked.node.name, by_name),
                    "nobody finds what is hidden");
        };
        switch (opcode) {
            case FUSE_LOOKUP:
                require(reply.body.size() == sizeof(fuse_entry_out), "an entry has its size");
                judge_lookup(asked);
                break;
            case FUSE_GETATTR:
                require(reply.body.size() == sizeof(fuse_attr_out), "attributes have their size");
                if (!asked.has_handle) seen(false);
                break;
            case FUSE_OPEN:
                require(reply.body.size() == sizeof(fuse_open_out), "an open file has its size");
                require((asked.flags & O_ACCMODE) == O_RDONLY && !(asked.flags & O_TRUNC),
                        "nothing is opened to write");
                seen(false);
                keep_handle(asked, reply);
                break;
            case FUSE_READ:
                judge_read(asked, reply.body);
                break;
            case FUSE_RELEASE:
                require(reply.body.empty(), "a release says nothing");
                forget_handle(asked.handle);
                break;
            case FUSE_READDIR:
                require(reply.body.size() <= asked.size, "a listing fits its room");
                judge_listing(asked, reply.body);
                break;
            case FUSE_GETXATTR:
            case FUSE_LISTXATTR:
                require(reply.body.size() <=
                            std::max<std::size_t>(asked.size, asked.size ? 0 : sizeof(fuse_getxattr_out)),
                        "an attribute fits its room");
                seen(true);
                break;
            case FUSE_OPENDIR:
            case FUSE_ACCESS:
                seen(true);
                break;
            case FUSE_RELEASEDIR:
            case FUSE_STATFS:
            case FUSE_DESTROY:
                break;
            default:
                require(false, "nothing is written, and nothing is answered that there is not");
        }
    }

    void judge_lookup(const Asked& asked) const {
        // libfuse gives the name up to its NUL.
        const std::string name(asked.name.c_str());
        if (asked.node.kind == Node::Kind::directory && asked.node.name == "production")
            return require(asked.by.may_see(kind_of(name), name, false), "nobody looks up what is hidden");
        if (asked.node.kind == Node::Kind::status || name == ".coffer")
            return require(asked.by.admin, "the daemon's own files are for its administrators");
        require(asked.node.kind == Node::Kind::directory && asked.by.is_anybody() &&
                    (name == "acme" || name == "checkout" || name == "production"),
                "nobody looks up a directory with nothing in it for him");
    }

    void judge_read(const Asked& asked, ByteView body) const {
        require(body.size() <= asked.size, "a READ gives no more than was asked for");
        const auto file = open_.find(asked.handle);
        const bool own = connection_.handles.is_own(asked.handle);
        require(file != open_.end() || !own, "a handle that is closed reads nothing");
        const Node& node = file != open_.end() ? file->second : asked.node;
        for (const ServedSecret* one : marks_in(body)) {
            require(asked.by.may_read(*one), "who reads is allowed to");
            require(asked.lock_owner != 0 || one->key == "CACHED", "nothing gets into the page cache");
            require(is_in(*one, node) || adopted_at(asked.handle, *one), "a handle reads what was opened");
        }
        if (const ServedSecret* one = find_secret(node.name); one && own && asked.offset < one->size)
            require(body.size() == std::min<std::uint64_t>(asked.size, one->size - asked.offset),
                    "a READ gives as much as there is");
    }
    [[nodiscard]] static bool is_in(const ServedSecret& secret, const Node& node) {
        if (node.name == secret.key) return true;
        for (const ServedTemplate& one : templates())
            if (one.name == node.name && std::ranges::count(one.keys, secret.key)) return true;
        return false;
    }
    // A handle of an earlier daemon stays with the node by which it came first, which the kernel would keep
    // to.
    [[nodiscard]] bool adopted_at(std::uint64_t handle, const ServedSecret& secret) const {
        return earlier_.contains(handle) && !connection_.handles.is_own(handle) && secret.size > 0;
    }

    void judge_listing(const Asked& asked, ByteView body) const {
        while (!body.empty()) {
            fuse_dirent entry{};
            require(body.size() >= FUSE_NAME_OFFSET, "an entry of a listing is whole");
            std::memcpy(&entry, body.data(), FUSE_NAME_OFFSET);
            const std::size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
            require(size <= body.size(), "a name of a listing is whole");
            const std::string name(reinterpret_cast<const char*>(body.data()) + FUSE_NAME_OFFSET,
                                   entry.namelen);
            body = body.subspan(size);
            if (name == "." || name == "..") continue;
            const bool status = asked.node.kind == Node::Kind::status || name == ".coffer";
            const bool directory = name == "acme" || name == "checkout" || name == "production";
            require(status      ? asked.by.admin
                    : directory ? asked.by.is_anybody()
                                : asked.by.may_see(kind_of(name), name, true),
                    "a listing shows nobody what is hidden");
        }
    }

    void keep_handle(const Asked& asked, const RequestReply& reply) {
        fuse_open_out out{};
        std::memcpy(&out, reply.body.data(), sizeof out);
        require(out.open_flags & FOPEN_DIRECT_IO, "nothing is cached");
        require(!open_.contains(out.fh), "two open files have two handles");
        open_[out.fh] = asked.node;
        given_.push_back(out.fh);
    }
    void forget_handle(std::uint64_t handle) {
        open_.erase(handle);
        earlier_.erase(handle);
    }

    // --- the beginning and the end ---

    void ask_plainly(std::uint32_t opcode, ByteView body, std::uint64_t handle = 0) {
        Asked asked;
        asked.what = {'\0', opcode};
        asked.node = nodes_.front();
        asked.body.assign(body.begin(), body.end());
        asked.handle = handle;
        const std::uint64_t unique = next_unique_;
        next_unique_ += 2;
        judge(asked, unique, connection_.send(store().self(), opcode, unique, kRootNode, asked.body));
    }
    void init() {
        fuse_init_in in{};
        in.major = 7;
        in.minor = 38;
        in.flags = ~std::uint32_t{0};
        ask_plainly(FUSE_INIT, {reinterpret_cast<const std::uint8_t*>(&in), sizeof in});
    }
    void end() {
        // Some versions of libfuse serve on after DESTROY, others want another INIT.
        if (!initialised_ || destroyed_) init();
        initialised_ = true;
        std::set<std::uint64_t> left = earlier_;
        for (const auto& [handle, node] : open_) left.insert(handle);
        for (std::uint64_t handle : left) {
            fuse_release_in in{};
            in.fh = handle;
            ask_plainly(FUSE_RELEASE, {reinterpret_cast<const std::uint8_t*>(&in), sizeof in}, handle);
        }
        require(connection_.handles.open() == 0, "what was released is closed");
        // libfuse answers an interrupt of nothing with the request after it, and keeps it until then.
        for (std::size_t i = interrupts_.size(); i > 0; --i) ask_plainly(FUSE_STATFS, {});
    }

    RequestScript script_;
    RequestConnection connection_;
    char first_ = '\0';
    std::vector<Node> nodes_;
    std::size_t policy_ = 0;
    bool initialised_ = false, destroyed_ = false;
    std::uint64_t next_unique_ = 1000;
    std::set<std::uint64_t> interrupts_, earlier_;  // numbers; handles of an earlier daemon that were read
    std::map<std::uint64_t, Node> open_;
    std::vector<std::uint64_t> given_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    fuse_set_log_func([](fuse_log_level, const char*, va_list) {});
    (void)store();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Play(ByteView(data, size)).run();
    static int inputs = 0;
    if (++inputs % 4096 == 0) store().look_at_audit();
    return 0;
}
