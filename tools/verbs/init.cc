// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "change/principals.h"
#include "command.h"
#include "host/host_service.h"
#include "host/joining.h"
#include "host/new_files.h"
#include "host/places.h"
#include "host/policy_example.h"
#include "input/passphrase.h"
#include "keys/identity_file.h"
#include "log/sqlite_log.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

std::string user_name() {
    const passwd* entry = getpwuid(geteuid());  // NOLINT(concurrency-mt-unsafe): one thread
    return entry ? entry->pw_name : "owner";
}

std::string machine_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "host";
    return name.data();
}

class Init final : public Command {
  public:
    Init() : Command("init", "Make a store, with its owner, this host and a configuration") {}

    void add_options(OptionSet& options) override {
        options.add("--org", org_, "The organisation that the store is for").type_name("ORG");
        options
            .add("--dir", dir_, "Keep everything in DIR (else root: in /etc and /var/lib, others: at home)")
            .type_name("DIR");
        options.add("--owner", owner_name_, "The owner's name in the store (else the user's)")
            .type_name("NAME");
        options.add("--host", host_name_, "This host's name in the store (else the machine's)")
            .type_name("NAME");
        options.add_flag("--no-passphrase", clear_,
                         "Leave the owner's key in the clear (mode 0400): for scripts");
        auto join = options.add("--join", join_, "Instead: a configuration for a store that is there")
                        .type_name("PIN");
        options.add("--store", store_, "With --join: the store file").type_name("FILE").needs(join);
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        if (join_) return join(common, out);
        COFFER_CHECK(check_names());
        COFFER_TRY(auto places, places_of_new_store(dir_));
        COFFER_TRY(auto service, find_service(places));
        COFFER_CHECK(expect_room(places));
        COFFER_TRY(auto owner, Identity::generate());
        COFFER_TRY(auto owner_text, encode_owner(owner, common));

        NewFiles files;
        COFFER_CHECK(make_folders(places, files));
        COFFER_CHECK(save(placed(places, places.identity), owner_text, files));
        COFFER_TRY(auto host, make_host(places, files));
        COFFER_CHECK(files.file(placed(places, places.policy) / "README", example(), 0644));
        COFFER_TRY(auto mark, make_store(places, service.get(), owner, host, files));
        places.pin = mark.pin;
        auto head = configure(places, mark, owner, files);
        if (!head && service)
            return wrap(std::move(head).error(),
                        "the store was founded, and its keys are kept; go on with"
                        " `coffer init --join ",
                        pin_text(mark), " --store ", places.store.native(), " --identity ",
                        places.identity.native(), '`');
        if (!head) return tl::make_unexpected(std::move(head).error());
        COFFER_CHECK(files.sync());
        files.keep();
        print(places, pin_text(Watermark{mark.pin, *head}), out);
        print_document(places, owner, pin_text(Watermark{mark.pin, *head}), out);
        return {};
    }

  private:
    Result<void> join(const CommonOptions& common, Output& out) const {
        if (!org_.empty() || owner_name_ || host_name_ || clear_)
            return fail(Code::invalid,
                        "--join takes --store, --identity and --dir; the rest is for a new store");
        if (!store_ || !common.identity)
            return fail(Code::invalid, "expected --join PIN --store FILE --identity FILE");
        return join_store(JoinRequest{*join_, *store_, *common.identity, dir_}, out);
    }

    Result<void> check_names() {
        if (org_.empty())
            return fail(Code::invalid, "expected --org ORG, the organisation that the store is for");
        COFFER_CHECK(check_segment("org", org_));
        if (!owner_name_) owner_name_ = user_name();
        if (!host_name_) host_name_ = machine_name();
        auto owner = check_segment("owner's name", *owner_name_);
        if (!owner) return fail(Code::invalid, owner.error().message, "; give --owner NAME");
        auto host = check_segment("host's name", *host_name_);
        if (!host) return fail(Code::invalid, host.error().message, "; give --host NAME");
        if (*owner_name_ == *host_name_)
            return fail(Code::invalid, "owner and host are both named \"", *host_name_,
                        "\"; give --owner NAME or --host NAME");
        return {};
    }

    // Not a folder's, and not an ordinary user's own.
    [[nodiscard]] bool is_of_host() const { return !dir_ && geteuid() == 0; }

    // On a host where coffer-stored serves, the store is made through it, and is where it says. There systemd
    // gives the daemon its identity and its folder for state.
    [[nodiscard]] Result<std::unique_ptr<StoredLog>> find_service(Config& places) const {
        if (!is_of_host()) return nullptr;
        COFFER_TRY(auto service, find_host_service());
        if (!service) return nullptr;
        COFFER_TRY(auto head, service->head());
        if (head.revision != 0)
            return fail(Code::conflict, "coffer-stored serves a store already, at revision ", head.revision,
                        "; join it with `coffer init --join PIN --store ", service->store_file(), '`');
        places.store = service->store_file();
        places.store_socket = kStoreSocket;
        places.host_identity = kPlainIdentity;
        return service;
    }

    static Result<void> expect_room(const Config& places) {
        for (const auto& path :
             {places.file, placed(places, places.identity), placed(places, places.host_identity),
              placed(places, places.state) / "tool", placed(places, places.state) / "daemon",
              placed(places, places.policy) / "README"})
            COFFER_CHECK(NewFiles::expect_nothing(path));
        if (places.store_socket.empty()) COFFER_CHECK(NewFiles::expect_nothing(placed(places, places.store)));
        return {};
    }

    [[nodiscard]] std::string example() const {
        return is_of_host() || dir_ ? policy_example(org_) : own_policy_example(org_, user_name());
    }

    [[nodiscard]] Result<SecretBuffer> encode_owner(const Identity& owner,
                                                    const CommonOptions& common) const {
        if (clear_) return encode_identity(owner);
        COFFER_TRY(auto passphrase, new_passphrase(common.passphrase_file, "the owner's identity"));
        return encode_identity(owner, passphrase.view());
    }

    [[nodiscard]] Result<void> make_folders(const Config& places, NewFiles& files) const {
        COFFER_CHECK(files.folder(places.file.parent_path(), is_of_host() ? 0755 : 0700));
        COFFER_CHECK(files.folder(placed(places, places.identity).parent_path(), 0700));
        COFFER_CHECK(files.folder(placed(places, places.host_identity).parent_path(), 0700));
        COFFER_CHECK(files.folder(placed(places, places.policy), 0755));
        if (!places.store_socket.empty()) return {};
        COFFER_CHECK(files.folder(placed(places, places.store).parent_path(), 0700));
        COFFER_CHECK(files.folder(placed(places, places.state), 0700));
        // Both would be made by the first program that opens them; if this fails they go with the rest.
        files.made(placed(places, places.state) / "tool");
        return {};
    }

    static Result<void> save(const std::filesystem::path& path, const SecretBuffer& text, NewFiles& files) {
        COFFER_CHECK(save_identity(path, text));
        files.made(path);
        return {};
    }

    [[nodiscard]] Result<GenesisHost> make_host(const Config& places, NewFiles& files) const {
        COFFER_TRY(auto identity, Identity::generate());
        COFFER_TRY(auto text, encode_identity(identity));
        COFFER_CHECK(save(placed(places, places.host_identity), text, files));
        COFFER_TRY(auto pattern, Pattern::make(org_, "", ""));
        return GenesisHost{*host_name_, identity.recipient(), pattern};
    }

    [[nodiscard]] Result<Watermark> make_store(const Config& places, StoredLog* service,
                                               const Identity& owner, const GenesisHost& host,
                                               NewFiles& files) const {
        if (service) {
            auto founded = found_store(*service, owner, *owner_name_, host);
            // What was founded there cannot be taken back, and nobody else has its keys.
            if (founded) files.keep();
            return founded;
        }
        auto path = placed(places, places.store);
        auto log = SqliteLog::create(path);
        // Somebody else's file, made since expect_room, is left alone.
        if (log || log.error().code != Code::conflict) {
            for (const char* suffix : {"", "-wal", "-shm"}) files.made(path.native() + suffix);
        }
        if (!log) return tl::make_unexpected(std::move(log).error());
        return found_store(**log, owner, *owner_name_, host);
    }

    [[nodiscard]] Result<Head> configure(const Config& places, const Watermark& mark, const Identity& owner,
                                         NewFiles& files) const {
        COFFER_CHECK(files.file(places.file, write_config(places), 0644));
        COFFER_TRY(auto scope, Scope::make(org_, "", ""));
        return first_scope(places, mark, owner, scope);
    }

    // The scope keys of the whole organisation, so that `set` works at once; also the proof that the
    // configuration that was just written opens the store.
    static Result<Head> first_scope(const Config& places, const Watermark& mark, const Identity& owner,
                                    const Scope& scope) {
        COFFER_TRY(auto config, load_config(places.file));
        COFFER_TRY(auto backend, open_for_writing(config));
        StoreOptions options;
        options.pin = config.pin;
        options.seed = mark;
        COFFER_TRY(options.state_dir, tool_state_dir(config));
        COFFER_TRY(auto store, VerifiedStore::open(std::move(backend), std::move(options)));
        COFFER_TRY(auto done, add_scope(store, owner, scope));
        COFFER_CHECK(store.persist_watermark(true));
        return done.committed.head;
    }

    void print(const Config& places, const std::string& pin, Output& out) const {
        auto identity = placed(places, places.identity);
        out.line("made a store for ", org_);
        out.fields({{"  configuration", places.file.string()},
                    {"  store", placed(places, places.store).string()},
                    {"  policy", placed(places, places.policy).string()},
                    {"  owner", concat(*owner_name_, ", ", identity.string())},
                    {"  host", concat(*host_name_, ", ", placed(places, places.host_identity).string())},
                    {"  pin", pin}});
        out.line(
            "The owner's identity can change everything: keep a copy offline, and none on hosts that serve.");
        if (dir_) out.line("next: export COFFER_CONFIG=", places.file.string());
        out.line("next: coffer set ", org_, "/PROJECT/DOMAIN/KEY");
        if (is_of_host() || dir_) return;
        out.line("next: a rule in ", placed(places, places.policy).string(), "; its README has examples");
        out.line("next: systemctl --user enable --now cofferd, and your secrets are in ",
                 places.mount.string());
    }

    void print_document(const Config& places, const Identity& owner, const std::string& pin,
                        Output& out) const {
        auto identity = placed(places, places.identity);
        out.document(
            {{"org", org_},
             {"config", places.file.string()},
             {"store", placed(places, places.store).string()},
             {"policy", placed(places, places.policy).string()},
             {"owner", {{"name", *owner_name_}, {"identity", identity.string()}, {"id", owner.id().hex()}}},
             {"host", {{"name", *host_name_}, {"identity", placed(places, places.host_identity).string()}}},
             {"pin", pin}});
    }

    std::string org_;
    std::optional<std::string> dir_, owner_name_, host_name_, join_, store_;
    bool clear_ = false;
};

}  // namespace

std::unique_ptr<Command> make_init() {
    return std::make_unique<Init>();
}

}  // namespace coffer
